"""Fault rules of the admin API: create, list, delete."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from controlplane.admin.controls_sync import publish
from controlplane.admin.routing import AdminRequest, AdminRoute
from controlplane.db.pool import Row
from controlplane.fault_injection.rules import ANY, Effect
from controlplane.http.errors import invalid_field, not_found
from controlplane.http.validation import Body
from controlplane.registry import OPERATION_IDS


class FaultRule(Body):
    """The body of a fault rule."""

    operation: str = ANY  # an operation id (`createDatabase`) or `*`
    effect: Effect  # what goes wrong
    status: int | None = Field(default=None, ge=400, le=599)  # the status, for the effects `status` and `status_after`
    # The delay, required for `latency` and possible for every other effect.
    seconds: float | None = Field(default=None, gt=0, le=600)
    probability: float = Field(default=1.0, gt=0, le=1)  # the share of calls that the rule applies to
    count: int | None = Field(default=1, ge=1)  # how many calls the rule applies to; null = all
    skip: int = Field(default=0, ge=0)  # how many calls it passes over before


async def create_fault(call: AdminRequest) -> dict[str, Any]:
    """Add a rule. The oldest rule that matches applies to a call."""
    rule = await call.body(FaultRule)
    names = sorted(OPERATION_IDS)
    if rule.operation not in (ANY, *names):
        raise invalid_field("operation", "must be an operation id or *", allowed=[ANY, *names])
    if rule.effect.startswith("status") != (rule.status is not None):
        raise invalid_field("status", "belongs to the effects `status` and `status_after`, which need it")
    if rule.effect == "latency" and rule.seconds is None:
        raise invalid_field("seconds", "is needed for the effect `latency`")
    async with call.services.pool.connection() as conn:
        row = await conn.fetch_row(
            "INSERT INTO fault_rules (operation, effect, status, seconds, probability, skip, remaining)"
            " VALUES (%(operation)s, %(effect)s, %(status)s, %(seconds)s, %(probability)s, %(skip)s, %(count)s)"
            " RETURNING *",
            rule.model_dump(),
        )
        await publish(call.services, conn)
    return _view(row)


async def list_faults(call: AdminRequest) -> list[dict[str, Any]]:
    """Return all rules, including used-up ones."""
    async with call.services.pool.connection() as conn:
        return [_view(row) for row in await conn.fetch_all("SELECT * FROM fault_rules ORDER BY id")]


async def delete_faults(call: AdminRequest) -> dict[str, Any]:
    """Delete all rules."""
    async with call.services.pool.connection() as conn:
        cursor = await conn.execute("DELETE FROM fault_rules")
        await publish(call.services, conn)
    return {"removed": cursor.rowcount}


async def delete_fault(call: AdminRequest) -> dict[str, Any]:
    """Delete one rule."""
    async with call.services.pool.connection() as conn:
        cursor = await conn.execute("DELETE FROM fault_rules WHERE id = %s", (call.request.path_params["id"],))
        if cursor.rowcount == 0:
            raise not_found("fault_rule")
        await publish(call.services, conn)
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
