"""Operations 2 to 8 (databases) and their background workers."""

from __future__ import annotations

from functools import partial

from controlplane.databases import provisioning, quotas, reaper, warm_pool
from controlplane.databases.catalog import database_types
from controlplane.databases.create import create_database
from controlplane.databases.delete import delete_database
from controlplane.databases.initial_blueprint import QueueInitialBlueprint, RunInitialBlueprint
from controlplane.databases.serializers import with_credentials, without_credentials
from controlplane.databases.store import find_batched, list_page
from controlplane.databases.update import update_database, update_quotas
from controlplane.http.context import Operation, RequestContext
from controlplane.http.responses import ApiResponse, envelope, page_reply
from controlplane.services import Worker


async def get_database_types(call: RequestContext) -> ApiResponse:
    """Return the catalog of engines and regions."""
    return envelope(database_types(call.services.engines))


async def list_databases(call: RequestContext) -> ApiResponse:
    """Return the databases of all teams of the caller, newest first."""
    page = call.page()
    rows = await list_page(call.conn, call.principal, page)
    return page_reply(rows, page, lambda row: without_credentials(row, call.services))


async def get_database(call: RequestContext) -> ApiResponse:
    """Return one database with its credentials."""
    row = await find_batched(call.services.reads, call.principal, call.uuid_parameter("uuid", "database"))
    return envelope(with_credentials(row, call.services))


_READ, _WRITE = ("databases:read",), ("databases:write",)


def operations(queue_initial_blueprint: QueueInitialBlueprint) -> tuple[Operation, ...]:
    """Return the operations."""
    create = partial(create_database, queue_initial_blueprint=queue_initial_blueprint)
    return (
        Operation("GET", "/database_types", "getDatabaseTypes", _READ, get_database_types, connects=False),
        Operation("GET", "/databases", "listDatabases", _READ, list_databases),
        Operation("POST", "/databases", "createDatabase", _WRITE, create, keyed=True, has_body=True),
        Operation("GET", "/databases/{uuid}", "getDatabase", _READ, get_database, connects=False),
        Operation("PATCH", "/databases/{uuid}", "updateDatabase", _WRITE, update_database, keyed=True, has_body=True),
        Operation(
            "PATCH",
            "/databases/{uuid}/quotas",
            "updateDatabaseQuotas",
            _WRITE,
            update_quotas,
            keyed=True,
            has_body=True,
        ),
        Operation("DELETE", "/databases/{uuid}", "deleteDatabase", _WRITE, delete_database, keyed=True),
    )


def workers(run_initial_blueprint: RunInitialBlueprint) -> tuple[Worker, ...]:
    """Return the background workers."""
    apply = partial(provisioning.blueprint_worker, run_initial_blueprint=run_initial_blueprint)
    return (provisioning.provision_worker, apply, warm_pool.warm_pool_worker, reaper.reaper_worker, quotas.quota_worker)
