"""POST /databases (operation 4): assign an instance of the warm pool, or queue a provisioning job."""

from __future__ import annotations

import functools
import secrets
import string
from collections.abc import Awaitable, Callable
from uuid import UUID

from controlplane.databases import catalog, store
from controlplane.databases.initial_blueprint import QueueInitialBlueprint
from controlplane.databases.requests import CreateDatabase
from controlplane.databases.serializers import with_credentials, without_credentials
from controlplane.db.pool import Connection, Row
from controlplane.engines.naming import role_name
from controlplane.http.context import RequestContext
from controlplane.http.errors import forbidden, invalid_field, not_found
from controlplane.http.principal import Principal
from controlplane.http.responses import ApiResponse, envelope
from controlplane.http.wait import wait_for_status
from controlplane.plans import LENIENT_PLANS, effective_quotas
from controlplane.services import Services
from controlplane.webhooks import outbox

_PASSWORD_ALPHABET = string.ascii_letters + string.digits
_ASSIGN_SECONDS = 5  # a pooled instance of an engine on another server is assigned in milliseconds


async def create_database(call: RequestContext, *, queue_initial_blueprint: QueueInitialBlueprint) -> ApiResponse:
    """Create a database: 201 if it is active within the requested wait, else 202 (api-facts S8, S9)."""
    args = call.parse(CreateDatabase)
    _check_catalog(args, call.services)
    wait_seconds = _read_wait(call)
    team_id = await _choose_team(call.conn, call.principal, args)
    if call.services.settings.strict:
        await store.ensure_name_free(call.conn, team_id, args.name)
    if args.blueprint_uuid:
        call.require_scope("blueprints:read")
    pooled = await _take_from_pool(call.conn, args.db_type) if call.services.pool_size else None
    engine = call.services.engines.of(args.db_type)
    row = await _insert(call, args, team_id, pooled, is_assigned=pooled is not None and engine.transactional)
    application_id = None
    if args.blueprint_uuid:
        application_id = await queue_initial_blueprint(call, row, args.blueprint_uuid, args.blueprint_variables)
    if row["is_assigned"]:
        await engine.assign(call.conn, row, effective_quotas(row, call.services.plans).connection_hard_limit)
    if pooled is not None:
        call.after_commit(call.services.notifiers.pool.notify)
    if row["status"] == "active":
        await outbox.emit(call, "database.provisioned", team_id, without_credentials(row, call.services))
        return _provisioned(call.services, row)
    await _queue_job(call, row, application_id, delay=0.0 if pooled else call.services.provision_delay)
    await outbox.emit(call, "database.provisioning_started", team_id, without_credentials(row, call.services))
    # A pooled instance of an engine on another server is assigned after the commit, so the call always waits for it.
    at_least = 0 if pooled is None or args.blueprint_uuid or row["is_assigned"] else _ASSIGN_SECONDS
    wait_seconds = max(wait_seconds, at_least)
    after_commit = _wait_until_active(call.services, row["id"], wait_seconds) if wait_seconds else None
    return _still_provisioning(call.services, row, waited=0.0, after_commit=after_commit)


def _check_catalog(args: CreateDatabase, services: Services) -> None:
    engines = services.engines
    excluded_plans = LENIENT_PLANS if services.settings.strict else frozenset()
    engine = engines.get(args.db_type)
    if engine is not None and engine.unavailable_reason:
        raise invalid_field("db_type", f"is not available: {engine.unavailable_reason}", allowed=engines.available)
    for field, value, allowed in (
        ("db_type", args.db_type, tuple(engines.available)),
        ("region", args.region, tuple(catalog.REGIONS)),
        ("plan", args.plan, tuple(plan for plan in services.plans if plan not in excluded_plans)),
    ):
        if value not in allowed:
            raise invalid_field(field, f"must be one of {', '.join(allowed)}", allowed=allowed)


def _read_wait(call: RequestContext) -> int:
    """Return the seconds to wait for the database; 0 = do not wait."""
    timeout = call.query_integer("timeout", default=30, least=1, most=120)
    return timeout if call.query_boolean("wait", default=False) else 0


async def _choose_team(conn: Connection, principal: Principal, args: CreateDatabase) -> int:
    """Return the id of the requested team, else of the caller's primary team (api-facts S10).

    Raises:
        ApiError: 422 if the team does not exist, 403 if the caller is not a member of it.
    """
    if not args.team_id:
        return principal.primary_team_id
    if args.team_id in principal.team_ids:
        return args.team_id
    if await conn.fetch_one("SELECT FROM teams WHERE id::bigint = %s::numeric", (args.team_id,)) is None:
        raise invalid_field("team_id", "no such team", allowed=[str(team) for team in principal.team_ids])
    raise forbidden("team_not_accessible", "You are not a member of this team.", {"field": "team_id"})


async def _take_from_pool(conn: Connection, db_type: str) -> int | None:
    """Take a ready instance out of the pool in the transaction of `conn`.

    Returns:
        The instance's number, or None if the pool is empty.
    """
    number: int | None = await conn.fetch_value(
        "DELETE FROM pool_instances WHERE id = ("
        " SELECT id FROM pool_instances WHERE is_ready AND db_type = %s"
        " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id",
        (db_type,),
    )
    return number


async def _insert(
    call: RequestContext, args: CreateDatabase, team_id: int, pooled: int | None, *, is_assigned: bool
) -> Row:
    number = pooled
    if number is None:
        number = await call.conn.fetch_value("SELECT nextval('instance_numbers')::int")
    # With a blueprint, the database becomes active only after the blueprint was applied.
    status = "active" if is_assigned and not args.blueprint_uuid else "provisioning"
    limit = effective_quotas(_overrides(args), call.services.plans).connection_hard_limit
    return await store.write_returning(
        call.conn,
        "INSERT INTO databases (id, uuid, team_id, name, db_type, region, plan, status, db_name, db_username,"
        " db_password, is_assigned, is_pooled, connections_applied, storage_hard_limit_gb, connection_hard_limit,"
        " warning_threshold_pct, created_at, updated_at) VALUES (%(id)s, %(uuid)s, %(team_id)s, %(name)s, %(db_type)s,"
        " %(region)s, %(plan)s, %(status)s, %(db_name)s, %(role)s, %(password)s, %(is_assigned)s, %(is_pooled)s,"
        " %(limit)s, %(storage)s, %(connections)s, %(warning)s, %(now)s, %(now)s)",
        {
            "id": number,
            "uuid": await call.services.controls.new_uuid(call.conn),
            "team_id": team_id,
            "name": args.name,
            "db_type": args.db_type,
            "region": args.region,
            "plan": args.plan,
            "status": status,
            "db_name": await store.choose_db_name(call.conn, args.db_type, args.name, number),
            "role": role_name(number),
            "password": "".join(secrets.choice(_PASSWORD_ALPHABET) for _ in range(24)),
            "is_assigned": is_assigned,
            "is_pooled": pooled is not None,
            "limit": limit if is_assigned else None,
            "storage": args.storage_hard_limit_gb,
            "connections": args.connection_hard_limit,
            "warning": args.warning_threshold_pct,
            "now": call.now,
        },
    )


def _overrides(args: CreateDatabase) -> Row:
    return args.model_dump(include={"plan", "storage_hard_limit_gb", "connection_hard_limit", "warning_threshold_pct"})


async def _queue_job(call: RequestContext, row: Row, application_id: int | None, *, delay: float) -> None:
    await call.conn.execute(
        "INSERT INTO provision_jobs (database_id, application_id, not_before, created_at)"
        " VALUES (%s, %s, %s + make_interval(secs => %s), %s)",
        (row["id"], application_id, call.now, delay, call.now),
    )
    notifiers = call.services.notifiers
    call.after_commit((notifiers.creations if row["is_assigned"] else notifiers.jobs).notify)


def _provisioned(services: Services, row: Row) -> ApiResponse:
    return envelope(with_credentials(row, services), status=201, message="Database provisioned.")


def _still_provisioning(
    services: Services, row: Row, *, waited: float, after_commit: Callable[[], Awaitable[ApiResponse]] | None = None
) -> ApiResponse:
    uuid: UUID = row["uuid"]
    body = envelope(
        with_credentials(row, services),
        status=202,
        message="Database is still provisioning.",
        provisioning={"completed": False, "waited_seconds": int(waited), "poll_url": f"/api/v1/databases/{uuid}"},
    ).body
    return ApiResponse(202, body, after_commit)


def _wait_until_active(services: Services, number: int, seconds: int) -> Callable[[], Awaitable[ApiResponse]]:
    def respond(row: Row, waited: float) -> ApiResponse:
        if row["status"] == "active":
            return _provisioned(services, row)
        if row["status"] == "deleted":
            raise not_found("database")
        return _still_provisioning(services, row, waited=waited)

    return wait_for_status(
        services,
        seconds=seconds,
        final_statuses=("active", "deleted"),
        subscribe=functools.partial(services.notifiers.databases.subscribe, number),
        read=lambda conn: store.get(conn, number),
        respond=respond,
    )
