"""How provisioning goes: slow, failing, without a pool; and ids that are the same in every run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from controlplane.admin.controls_sync import publish
from controlplane.admin.routing import AdminRequest, AdminRoute
from controlplane.http.validation import Body


class Provisioning(Body):
    """delay_seconds, pool_size: null = as the process was told; omitted = unchanged.

    failures: how many of the attempts to come fail (each is repeated up to five times). kill_at: the step of a job at
    which the process that reaches it next is killed as by kill -9, once.
    """

    delay_seconds: float | None = Field(default=None, ge=0, le=3600)
    pool_size: int | None = Field(default=None, ge=0, le=50)
    failures: int = Field(default=0, ge=0, le=1000)
    kill_at: Literal["before_role", "after_role", "after_database", "before_ack"] | None = None


class Ids(Body):
    """seed: the same one gives the same uuids in the same order from now on; null = random ones."""

    seed: str | None = Field(default=None, max_length=255)


async def get_provisioning(ask: AdminRequest) -> dict[str, Any]:
    """What is set."""
    async with ask.services.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT provision_delay AS delay_seconds, pool_size, provision_failures AS failures, kill_at"
            " FROM dev_controls"
        )
        return await cursor.fetchone() or {}


async def update_provisioning(ask: AdminRequest) -> dict[str, Any]:
    """Set what is given."""
    given = await ask.body(Provisioning)
    columns = {"delay_seconds": "provision_delay", "failures": "provision_failures"}
    async with ask.services.pool.connection() as conn:
        for name in given.model_fields_set:
            # The column's name is one of ours.
            await conn.execute(f"UPDATE dev_controls SET {columns.get(name, name)} = %s", (getattr(given, name),))  # noqa: S608
        await publish(ask.services, conn)
    return await get_provisioning(ask)


async def seed_ids(ask: AdminRequest) -> dict[str, Any]:
    """Begin a series of ids, or end it."""
    given = await ask.body(Ids)
    async with ask.services.pool.connection() as conn:
        await conn.execute("UPDATE dev_controls SET ids_seed = %s, ids_made = 0", (given.seed,))
        await publish(ask.services, conn)
    return {"seed": given.seed}


ROUTES = (
    AdminRoute("GET", "/provisioning", get_provisioning),
    AdminRoute("PATCH", "/provisioning", update_provisioning),
    AdminRoute("PUT", "/ids", seed_ids),
)
