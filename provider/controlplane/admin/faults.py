"""Fault rules: made, listed, removed."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from controlplane.admin.controls_sync import publish
from controlplane.admin.routing import AdminRequest, AdminRoute
from controlplane.db.pool import Row
from controlplane.fault_injection.rules import ANY, Effect
from controlplane.http.errors import invalid_field, not_found
from controlplane.http.validation import Body
from controlplane.registry import OPERATIONS


class FaultRule(Body):
    """operation: an operation id (`createDatabase`) or `*`. count: how many calls it meets, null = all; skip: how many
    it lets pass before. status: for the effects `status` and `status_after`. seconds: for `latency`, and for any other
    on top.
    """

    operation: str = ANY
    effect: Effect
    status: int | None = Field(default=None, ge=400, le=599)
    seconds: float | None = Field(default=None, gt=0, le=600)
    probability: float = Field(default=1.0, gt=0, le=1)
    count: int | None = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)


async def create_fault(ask: AdminRequest) -> dict[str, Any]:
    """A rule more; the oldest one that fits meets a call."""
    rule = await ask.body(FaultRule)
    names = sorted(operation.operation_id for operation in OPERATIONS)
    if rule.operation not in (ANY, *names):
        raise invalid_field("operation", "no such operation", allowed=[ANY, *names])
    if rule.effect.startswith("status") != (rule.status is not None):
        raise invalid_field("status", "belongs to the effects `status` and `status_after`, which need it")
    if rule.effect == "latency" and rule.seconds is None:
        raise invalid_field("seconds", "is needed for the effect `latency`")
    async with ask.services.pool.connection() as conn:
        cursor = await conn.execute(
            "INSERT INTO fault_rules (operation, effect, status, seconds, probability, skip, remaining)"
            " VALUES (%(operation)s, %(effect)s, %(status)s, %(seconds)s, %(probability)s, %(skip)s, %(count)s)"
            " RETURNING *",
            rule.model_dump(),
        )
        row = await cursor.fetchone()
        assert row is not None
        await publish(ask.services, conn)
    return _view(row)


async def list_faults(ask: AdminRequest) -> list[dict[str, Any]]:
    """All of them, used up or not."""
    async with ask.services.pool.connection() as conn:
        cursor = await conn.execute("SELECT * FROM fault_rules ORDER BY id")
        return [_view(row) for row in await cursor.fetchall()]


async def delete_faults(ask: AdminRequest) -> dict[str, Any]:
    """Nothing goes wrong any more."""
    async with ask.services.pool.connection() as conn:
        cursor = await conn.execute("DELETE FROM fault_rules")
        await publish(ask.services, conn)
    return {"removed": cursor.rowcount}


async def delete_fault(ask: AdminRequest) -> dict[str, Any]:
    """One of them."""
    async with ask.services.pool.connection() as conn:
        cursor = await conn.execute("DELETE FROM fault_rules WHERE id = %s", (ask.request.path_params["id"],))
        if cursor.rowcount == 0:
            raise not_found("fault_rule")
        await publish(ask.services, conn)
    return {"removed": 1}


def _view(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in _SHOWN}


_SHOWN: tuple[str, ...] = (
    "id", "operation", "effect", "status", "seconds", "probability", "skip", "remaining", "applied",
)  # fmt: skip

ROUTES = (
    AdminRoute("GET", "/faults", list_faults),
    AdminRoute("POST", "/faults", create_fault),
    AdminRoute("DELETE", "/faults", delete_faults),
    AdminRoute("DELETE", "/faults/{id:int}", delete_fault),
)
