"""SQL and the catalog."""

from __future__ import annotations

import asyncio
import math
import time
from decimal import Decimal
from typing import Any

from controlplane.http.context import Operation, RequestContext
from controlplane.http.errors import ApiError, not_found
from controlplane.http.responses import ApiResponse
from controlplane.http.validation import Body, NonEmptyText
from controlplane.queries.json_values import json_decimal, json_integer
from controlplane.vendors.polnor import audit
from controlplane.vendors.polnor.catalog import Catalog, NoSuchNameError, TableName
from controlplane.vendors.polnor.machines import running_warehouse
from controlplane.vendors.polnor.sql import StatementError, execute
from controlplane.vendors.polnor.style import conflict, page


class Statement(Body):
    """The body of `POST /sql/execute`."""

    query: NonEmptyText
    warehouse_id: NonEmptyText


def _catalog(call: RequestContext) -> Catalog:
    services = call.services
    return Catalog(services.server, services.directory / "polnor", call.principal.primary_team_id)


async def run_statement(call: RequestContext) -> ApiResponse:
    """Run a statement.

    Raises:
        ApiError: 409, the warehouse does not run; 400, the statement is invalid.
    """
    body = call.parse(Statement)
    if not await running_warehouse(call.services, call.conn, call.principal.primary_team_id, body.warehouse_id):
        raise conflict(f"The warehouse {body.warehouse_id} is not running.")
    began = time.monotonic()
    try:
        found = await asyncio.to_thread(lambda: execute(_catalog(call), body.query))
    except StatementError as error:
        raise ApiError(400, "invalid_sql", str(error)) from None
    await audit.record(call, "sql.write" if found.write else "sql.read")
    return ApiResponse(
        200,
        {
            "columns": found.columns,
            "rows": [[_to_json(value) for value in row] for row in found.rows],
            "engine": found.engine,
            "elapsed_ms": round((time.monotonic() - began) * 1000),
            "lineage": {"read": found.read, **({"write": found.write} if found.write else {})},
        },
    )


def _to_json(value: Any) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int():
            return json_integer(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return json_decimal(str(value))
        case list() | tuple():
            return [_to_json(each) for each in value]
        case dict():
            return {str(name): _to_json(each) for name, each in value.items()}
        case bytes():
            return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


async def list_databases(call: RequestContext) -> ApiResponse:
    """Answer with the databases of the workspace."""
    names = await asyncio.to_thread(lambda: _catalog(call).databases())
    return page(call, [{"id": name, "name": name} for name in names], dict)


async def list_tables(call: RequestContext) -> ApiResponse:
    """Answer with the tables of a database, their row counts and snapshots."""

    def read() -> list[dict[str, object]]:
        rows = []
        for name, table in _catalog(call).tables(call.path_parameters["id"]):
            snapshot = table.current_snapshot()
            summary = snapshot.summary if snapshot is not None else None
            count = int((summary["total-records"] or 0) if summary is not None else 0)
            rows.append(
                {
                    "schema": name.schema,
                    "name": name.table,
                    "row_count": count,
                    "snapshot_id": None if snapshot is None else str(snapshot.snapshot_id),
                }
            )
        return rows

    try:
        return page(call, await asyncio.to_thread(read), dict)
    except NoSuchNameError:
        raise not_found("database") from None


async def table_schema(call: RequestContext) -> ApiResponse:
    """Answer with the columns of a table."""
    path = call.path_parameters
    name = TableName(path["id"], path["schema"], path["table"])
    try:
        table = await asyncio.to_thread(lambda: _catalog(call).table(name))
    except NoSuchNameError:
        raise not_found("table") from None
    columns = [{"name": each.name, "type": str(each.field_type).replace(", ", ",")} for each in table.schema().fields]
    return ApiResponse(200, {"columns": columns})


OPERATIONS = (
    Operation("POST", "/sql/execute", "polnorExecuteSql", (), run_statement, has_body=True),
    Operation("GET", "/databases", "polnorListDatabases", (), list_databases),
    Operation("GET", "/databases/{id}/tables", "polnorListTables", (), list_tables),
    Operation("GET", "/databases/{id}/schemas/{schema}/tables/{table}/schema", "polnorTableSchema", (), table_schema),
)
