"""A deleted database given back while its grace lasts. No operation of the API: an operator would do it (S4)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from controlplane.databases import store
from controlplane.databases.views import masked
from controlplane.http.errors import ApiError, not_found
from controlplane.services import Services


async def restore(services: Services, uuid: UUID) -> dict[str, Any]:
    """The database, masked. Raises 404 where there is none, 422 `not_restorable` where nothing of it is left."""
    async with services.pool.connection() as conn, conn.transaction():
        cursor = await conn.execute("SELECT * FROM databases WHERE uuid = %s FOR UPDATE", (uuid,))
        row = await cursor.fetchone()
        if row is None:
            raise not_found("database")
        if row["deleted_at"] is None:
            raise ApiError(422, "not_restorable", "The database is not deleted.", {"field": "uuid"})
        if row["destroyed_at"] is not None or not row["is_assigned"]:
            raise ApiError(422, "not_restorable", "Nothing is left of the database.", {"field": "uuid"})
        # Of an engine on another server: should we be killed before the commit, end_stray locks the tenant out again.
        await services.engines.of(row["db_type"]).readmit(conn, row)
        restored = await store.write(
            conn,
            "UPDATE databases SET status = 'active', deleted_at = NULL, destroy_after = NULL, updated_at = %(now)s"
            " WHERE id = %(id)s",
            {"now": services.clock.now(), "id": row["id"]},
        )
        return masked(restored, services)
