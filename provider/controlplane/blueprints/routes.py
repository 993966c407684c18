"""Operations 9 and 16 to 22 (blueprints and their applications) and their workers."""

from __future__ import annotations

import json
from typing import Any

from controlplane.blueprints import mysql_commit_markers, sandbox, store, worker
from controlplane.blueprints.apply import apply_blueprint, get_application
from controlplane.blueprints.requests import CreateBlueprint, UpdateBlueprint, ValidateSql
from controlplane.blueprints.serializers import full, summary
from controlplane.blueprints.validation import invalid_sql, validate
from controlplane.blueprints.variables import Definition, VariableError, parse_definitions
from controlplane.http.context import Operation, RequestContext
from controlplane.http.errors import invalid_field
from controlplane.http.responses import ApiResponse, envelope, page_reply
from controlplane.services import Worker


async def list_blueprints(call: RequestContext) -> ApiResponse:
    """Return the user's blueprints and the system's, newest first."""
    page = call.page()
    return page_reply(await store.list_page(call.conn, call.principal.user_id, page), page, summary)


async def create_blueprint(call: RequestContext) -> ApiResponse:
    """Create a blueprint, if its SQL is valid (api-facts S20)."""
    args = call.parse(CreateBlueprint)
    await _check(call, args.sql_content, _definitions(args.variables))
    row = await store.insert(call, **args.model_dump())
    return envelope(summary(row), status=201, message="Blueprint created.")


async def get_blueprint(call: RequestContext) -> ApiResponse:
    """Return a blueprint with its SQL."""
    return envelope(full(await store.find_or_404(call)))


async def update_blueprint(call: RequestContext) -> ApiResponse:
    """Update the fields of the request. Changed SQL or definitions are validated together."""
    row = await store.find_or_404(call, to_change=True)
    args = call.parse(UpdateBlueprint)
    changes = {name: getattr(args, name) for name in args.model_fields_set}
    changes = {name: value for name, value in changes.items() if not _json_equal(value, row[name])}
    if not changes:
        return envelope(summary(row), message="Blueprint updated.")
    if {"sql_content", "variables"} & changes.keys():
        definitions = _definitions(changes.get("variables", row["variables"]))
        await _check(call, changes.get("sql_content") or row["sql_content"], definitions)
    return envelope(summary(await store.update(call, row, changes)), message="Blueprint updated.")


async def delete_blueprint(call: RequestContext) -> ApiResponse:
    """Delete a blueprint. Its row stays, because applications refer to it (api-facts S19)."""
    row = await store.find_or_404(call, to_change=True)
    await call.conn.execute("UPDATE blueprints SET deleted_at = %s WHERE id = %s", (call.now, row["id"]))
    return envelope({"object": "blueprint", "uuid": str(row["uuid"]), "deleted": True}, message="Blueprint deleted.")


async def validate_sql(call: RequestContext) -> ApiResponse:
    """Validate SQL. The response is 200 for invalid SQL too (api-facts S20)."""
    args = call.parse(ValidateSql)
    definitions = None if args.variables is None else _definitions(args.variables)
    dry_runs = await sandbox.ensure_sandbox(call.services, call.conn)

    async def run() -> ApiResponse:
        async with call.services.dry_run_slots.slot(call.principal.user_id):
            result = await validate(dry_runs, call.services.engines, args.sql_content, definitions)
        return envelope(result.to_json())

    # After the transaction, so that a slow dry run does not occupy a connection of the pool.
    return ApiResponse(200, {}, run)


def _json_equal(left: Any, right: Any) -> bool:
    """Compare two values as JSON. In Python, True equals 1."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _definitions(variables: dict[str, Any] | None) -> dict[str, Definition]:
    try:
        return parse_definitions(variables)
    except VariableError as error:
        raise invalid_field("variables", str(error)) from None


async def _check(call: RequestContext, sql: str, definitions: dict[str, Definition]) -> None:
    dry_runs = await sandbox.ensure_sandbox(call.services, call.conn)
    result = await validate(dry_runs, call.services.engines, sql, definitions)
    if result.errors:
        raise invalid_sql(result)


_READ, _WRITE = ("blueprints:read",), ("blueprints:write",)

OPERATIONS = (
    Operation(
        "POST",
        "/databases/{uuid}/blueprint_applications",
        "createDatabaseBlueprintApplication",
        ("databases:write", "blueprints:read"),
        apply_blueprint,
        keyed=True,
        has_body=True,
    ),
    Operation("GET", "/blueprints", "listBlueprints", _READ, list_blueprints),
    Operation(
        "POST", "/blueprints", "createBlueprint", _WRITE, create_blueprint, keyed=True, has_body=True, dry_runs_sql=True
    ),
    Operation("GET", "/blueprints/{uuid}", "getBlueprint", _READ, get_blueprint),
    Operation(
        "PATCH", "/blueprints/{uuid}", "updateBlueprint", _WRITE, update_blueprint, has_body=True, dry_runs_sql=True
    ),
    Operation("DELETE", "/blueprints/{uuid}", "deleteBlueprint", _WRITE, delete_blueprint),
    Operation("POST", "/blueprint_validations", "createBlueprintValidation", _READ, validate_sql, has_body=True),
    Operation("GET", "/blueprint_applications/{id}", "getBlueprintApplication", _READ, get_application),
)

WORKERS: tuple[Worker, ...] = (
    worker.application_worker,
    mysql_commit_markers.commit_marker_worker,
    sandbox.sandbox_worker,
)
