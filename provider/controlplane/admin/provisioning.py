"""Provisioning on request: slow, failing, or without a warm pool; and ids that are the same in every run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from controlplane.admin.controls_sync import publish
from controlplane.admin.routing import AdminRequest, AdminRoute
from controlplane.http.validation import Body


class Provisioning(Body):
    """The body of an update. Omitted fields stay unchanged.

    Attributes:
        delay_seconds: Seconds added to each provisioning; null = the value that the process was started with.
        pool_size: The size of the warm pool; null = the value that the process was started with.
        failures: How many of the next attempts fail (each is retried up to five times).
        kill_at: The step of a job at which the next process to reach it is killed as by kill -9, once.
    """

    delay_seconds: float | None = Field(default=None, ge=0, le=3600)
    pool_size: int | None = Field(default=None, ge=0, le=50)
    failures: int = Field(default=0, ge=0, le=1000)
    kill_at: Literal["before_role", "after_role", "after_database", "before_ack"] | None = None


class Ids(Body):
    """The body of a seed.

    Attributes:
        seed: The same seed gives the same UUIDs in the same order from now on; null = random UUIDs.
    """

    seed: str | None = Field(default=None, max_length=255)


async def get_provisioning(call: AdminRequest) -> dict[str, Any]:
    """Return the settings."""
    async with call.services.pool.connection() as conn:
        return await conn.fetch_row(
            "SELECT provision_delay AS delay_seconds, pool_size, provision_failures AS failures, kill_at"
            " FROM dev_controls"
        )


async def update_provisioning(call: AdminRequest) -> dict[str, Any]:
    """Set the fields of the body."""
    body = await call.body(Provisioning)
    columns = {"delay_seconds": "provision_delay", "failures": "provision_failures"}
    async with call.services.pool.connection() as conn:
        for name in body.model_fields_set:
            # The column's name comes from our own model.
            await conn.execute(f"UPDATE dev_controls SET {columns.get(name, name)} = %s", (getattr(body, name),))  # noqa: S608
        await publish(call.services, conn)
    return await get_provisioning(call)


async def seed_ids(call: AdminRequest) -> dict[str, Any]:
    """Start a series of ids, or end it."""
    body = await call.body(Ids)
    async with call.services.pool.connection() as conn:
        await conn.execute("UPDATE dev_controls SET ids_seed = %s, ids_made = 0", (body.seed,))
        await publish(call.services, conn)
    return {"seed": body.seed}


ROUTES = (
    AdminRoute("GET", "/provisioning", get_provisioning),
    AdminRoute("PATCH", "/provisioning", update_provisioning),
    AdminRoute("PUT", "/ids", seed_ids),
)
