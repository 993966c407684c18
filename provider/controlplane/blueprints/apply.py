"""Applying a blueprint (operations 9 and 22): queued in the call's transaction, run by the worker, waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from controlplane.blueprints import application_store, store
from controlplane.blueprints.requests import ApplyBlueprint
from controlplane.blueprints.serializers import application
from controlplane.blueprints.variables import VariableError
from controlplane.databases import store as databases
from controlplane.db.pool import Connection, Row
from controlplane.http.context import RequestContext
from controlplane.http.errors import ApiError, invalid_field, not_found
from controlplane.http.responses import ApiResponse, envelope
from controlplane.http.wait import wait_for_status
from controlplane.services import Services

_MESSAGES = {
    "completed": "Blueprint applied successfully.",
    "failed": "Blueprint application failed.",
    "rolled_back": "Blueprint application failed and was rolled back.",
}


async def apply_blueprint(call: RequestContext) -> ApiResponse:
    """Apply a blueprint: 200 with the result, completed or failed (api-facts C18), or 202 while it runs."""
    database = await databases.find(call.conn, call.principal, call.uuid_parameter("uuid", "database"))
    args = call.parse(ApplyBlueprint)
    blueprint = await store.find(call.conn, call.principal.user_id, UUID(args.blueprint_uuid))
    if blueprint is None:
        raise not_found("blueprint")
    if database["status"] != "active":
        raise ApiError(
            422, "database_not_active", f"The database is {database['status']}, not active.", {"field": "uuid"}
        )
    try:
        row = await application_store.insert(call, blueprint, database, args.variables, dry_run=args.dry_run)
    except VariableError as error:
        raise invalid_field("variables", str(error)) from None
    except application_store.UnsupportedByEngineError as error:
        raise invalid_field("blueprint_uuid", str(error)) from None
    call.after_commit(call.services.notifiers.applications.notify)
    after_commit = _wait_until_ended(call.services, row["id"], args.timeout) if args.wait else None
    return ApiResponse(202, _running(row).body, after_commit)


async def get_application(call: RequestContext) -> ApiResponse:
    """Return an application of the caller."""
    row = await application_store.get(call.conn, _in_range(call.integer_parameter("id", "blueprint_application")))
    if row is None or row["user_id"] != call.principal.user_id:
        raise not_found("blueprint_application")
    return envelope(application(row))


def _in_range(number: int) -> int:
    if number >= 2**31:
        raise not_found("blueprint_application")
    return number


def _running(row: Row) -> ApiResponse:
    return envelope(application(row), status=202, message="Blueprint application is still running.")


def _wait_until_ended(services: Services, number: int, seconds: int) -> Callable[[], Awaitable[ApiResponse]]:
    async def read(conn: Connection) -> Row:
        row = await application_store.get(conn, number)
        assert row is not None
        return row

    def respond(row: Row, _waited: float) -> ApiResponse:
        if row["status"] in application_store.TERMINAL_STATUSES:
            return envelope(application(row), message=_MESSAGES[row["status"]])
        return _running(row)

    return wait_for_status(
        services,
        seconds=seconds,
        final_statuses=application_store.TERMINAL_STATUSES,
        subscribe=services.notifiers.applications.subscribe,
        read=read,
        respond=respond,
    )
