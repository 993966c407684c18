"""A deleted database's grace ended early. No operation of the API: tests that make many would fill the disk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from controlplane.databases import store
from controlplane.databases.views import masked
from controlplane.http.errors import ApiError, not_found
from controlplane.services import Services


async def end_grace(services: Services, uuid: UUID) -> dict[str, Any]:
    """Have the reaper destroy it now. The database, masked. Raises 404 where there is none, 422 `not_deleted`."""
    async with services.pool.connection() as conn, conn.transaction():
        cursor = await conn.execute("SELECT id, deleted_at FROM databases WHERE uuid = %s FOR UPDATE", (uuid,))
        row = await cursor.fetchone()
        if row is None:
            raise not_found("database")
        if row["deleted_at"] is None:
            raise ApiError(422, "not_deleted", "The database is not deleted.", {"field": "uuid"})
        # One that was never handed over keeps its grace: it may still be being built, and what is built after it was
        # destroyed nobody would remove.
        due = await store.write(
            conn,
            "UPDATE databases SET destroy_after = CASE WHEN is_assigned THEN least(destroy_after, %(now)s)"
            " ELSE destroy_after END WHERE id = %(id)s",
            {"now": services.clock.now(), "id": row["id"]},
        )
    services.bells.deletions.ring()
    return masked(due, services)
