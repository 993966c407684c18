"""Compute instances and SQL warehouses: state machines on the adjustable clock, without a worker."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal

import psycopg.errors
from pydantic import Field

from controlplane.db.pool import Connection, Row
from controlplane.http.context import Operation, RequestContext
from controlplane.http.errors import not_found
from controlplane.http.responses import ApiResponse
from controlplane.http.validation import Body, NonEmptyText
from controlplane.services import Services
from controlplane.vendors.polnor import audit
from controlplane.vendors.polnor.style import conflict, new_id, page

RUNNING: Final = "running"
STOPPED: Final = "stopped"
REGION: Final = "GRA9"
# How long a start takes: a warehouse about three minutes (other-apis, Polnor); of an instance the page says nothing.
START_SECONDS: Final = {"compute": 2.0, "warehouse": 180.0}
STOP_SECONDS: Final = 1.0
_IDLE: Final = {"30m": timedelta(minutes=30), "1h": timedelta(hours=1), "2h": timedelta(hours=2)}


class NewInstance(Body):
    """The body of `POST /compute`."""

    name: NonEmptyText
    flavor: NonEmptyText
    auto_stop: Literal["30m", "1h", "2h", "never"] = "1h"
    image: str | None = Field(None)


def status_at(row: Row, now: datetime) -> str:
    """Return the status of a machine at a time. Pure."""
    status, since = str(row["status"]), row["settles_at"]
    if status == RUNNING:
        idle = _IDLE.get(row["auto_stop"])
        if now < since:
            return "starting"
        return STOPPED if idle is not None and now >= since + idle else RUNNING
    return "stopping" if now < since else STOPPED


async def list_instances(call: RequestContext) -> ApiResponse:
    """Answer with the compute instances."""
    return page(call, await _rows(call, "compute"), lambda row: _instance(row, call.now))


async def create_instance(call: RequestContext) -> ApiResponse:
    """Create a stopped instance.

    Raises:
        ApiError: 409, the name is taken.
    """
    body = call.parse(NewInstance)
    try:
        row = await call.conn.fetch_row(
            "INSERT INTO polnor_machines (id, team_id, kind, name, flavor, region, auto_stop, image, settles_at,"
            " created_at) VALUES (%(id)s, %(team)s, 'compute', %(name)s, %(flavor)s, %(region)s, %(auto_stop)s,"
            " %(image)s, %(now)s, %(now)s) RETURNING *",
            {
                "id": new_id("cmp"),
                "team": call.principal.primary_team_id,
                "region": REGION,
                "now": call.now,
                **body.model_dump(),
            },
        )
    except psycopg.errors.UniqueViolation:
        raise conflict(f"A compute instance {body.name!r} exists already.") from None
    await audit.record(call, "compute.create")
    return ApiResponse(201, {"id": row["id"], "status": STOPPED})


async def start_instance(call: RequestContext) -> ApiResponse:
    """Start a stopped instance."""
    return await _start(call, "compute")


async def stop_instance(call: RequestContext) -> ApiResponse:
    """Stop a running instance.

    Raises:
        ApiError: 409, it is not running.
    """
    row = await _locked(call, "compute")
    if status_at(row, call.now) != RUNNING:
        raise conflict(f"The instance is {status_at(row, call.now)}.")
    await _set(call.conn, row["id"], STOPPED, call.now + timedelta(seconds=STOP_SECONDS))
    await audit.record(call, "compute.stop")
    return ApiResponse(200, {"id": row["id"], "status": "stopping"})


async def delete_instance(call: RequestContext) -> ApiResponse:
    """Delete a stopped instance.

    Raises:
        ApiError: 409, it is still running.
    """
    row = await _locked(call, "compute")
    if status_at(row, call.now) != STOPPED:
        raise conflict(f"The instance is {status_at(row, call.now)}: stop it first.")
    await call.conn.execute("DELETE FROM polnor_machines WHERE id = %s", (row["id"],))
    await audit.record(call, "compute.delete")
    return ApiResponse(200, {"id": row["id"], "deleted": True})


async def list_warehouses(call: RequestContext) -> ApiResponse:
    """Answer with the warehouses. A workspace has one; the API can create none."""
    await call.conn.execute(
        "INSERT INTO polnor_machines (id, team_id, kind, name, auto_stop, settles_at, created_at)"
        " VALUES (%s, %s, 'warehouse', 'default', '2h', %s, %s) ON CONFLICT DO NOTHING",
        (f"wh_{call.principal.primary_team_id:04x}", call.principal.primary_team_id, call.now, call.now),
    )
    return page(call, await _rows(call, "warehouse"), lambda row: _warehouse(row, call.now))


async def start_warehouse(call: RequestContext) -> ApiResponse:
    """Start a stopped warehouse."""
    return await _start(call, "warehouse")


async def _start(call: RequestContext, kind: str) -> ApiResponse:
    row = await _locked(call, kind)
    if status_at(row, call.now) != STOPPED:
        raise conflict(f"The {kind} is {status_at(row, call.now)}.")
    seconds = START_SECONDS[kind] + call.services.provision_delay
    await _set(call.conn, row["id"], RUNNING, call.now + timedelta(seconds=seconds))
    await audit.record(call, f"{kind}.start")
    return ApiResponse(200, {"id": row["id"], "status": "starting"})


async def _rows(call: RequestContext, kind: str) -> list[Row]:
    return await call.conn.fetch_all(
        "SELECT * FROM polnor_machines WHERE team_id = %s AND kind = %s ORDER BY created_at, id",
        (call.principal.primary_team_id, kind),
    )


async def _locked(call: RequestContext, kind: str) -> Row:
    row = await call.conn.fetch_one(
        "SELECT * FROM polnor_machines WHERE id = %s AND team_id = %s AND kind = %s FOR UPDATE",
        (call.path_parameters["id"], call.principal.primary_team_id, kind),
    )
    if row is None:
        raise not_found(kind)
    return row


async def _set(conn: Connection, id: str, status: str, settles_at: datetime) -> None:
    await conn.execute(
        "UPDATE polnor_machines SET status = %s, settles_at = %s WHERE id = %s", (status, settles_at, id)
    )


def _instance(row: Row, now: datetime) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "name", "flavor", "region", "auto_stop")},
        "status": status_at(row, now),
    }


def _warehouse(row: Row, now: datetime) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "state": status_at(row, now)}


async def running_warehouse(services: Services, conn: Connection, team_id: int, id: str) -> bool:
    """Return whether a warehouse of a workspace runs."""
    row = await conn.fetch_one(
        "SELECT * FROM polnor_machines WHERE id = %s AND team_id = %s AND kind = 'warehouse'", (id, team_id)
    )
    return row is not None and status_at(row, services.clock.now()) == RUNNING


OPERATIONS = (
    Operation("GET", "/compute", "polnorListCompute", (), list_instances),
    Operation("POST", "/compute", "polnorCreateCompute", (), create_instance, has_body=True),
    Operation("POST", "/compute/{id}/start", "polnorStartCompute", (), start_instance),
    Operation("POST", "/compute/{id}/stop", "polnorStopCompute", (), stop_instance),
    Operation("DELETE", "/compute/{id}", "polnorDeleteCompute", (), delete_instance),
    Operation("GET", "/sql/warehouses", "polnorListWarehouses", (), list_warehouses),
    Operation("POST", "/sql/warehouses/{id}/start", "polnorStartWarehouse", (), start_warehouse),
)
