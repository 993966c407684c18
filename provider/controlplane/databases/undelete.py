"""What an operator may do with a deleted database while its grace lasts. No operations of the API (S4)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from controlplane.databases import store
from controlplane.databases.serializers import without_credentials
from controlplane.db.pool import Connection, Row
from controlplane.http.errors import ApiError, not_found
from controlplane.services import Services


async def restore_deleted(services: Services, uuid: UUID) -> dict[str, Any]:
    """Give it back, masked. Raises 404 where there is none, 422 `not_restorable` where nothing of it is left."""
    async with services.pool.connection() as conn, conn.transaction():
        row = await _deleted(conn, uuid, "not_restorable")
        if row["destroyed_at"] is not None or not row["is_assigned"]:
            raise ApiError(422, "not_restorable", "Nothing is left of the database.", {"field": "uuid"})
        # Of an engine on another server: should we be killed before the commit, end_stray locks the tenant out again.
        await services.engines.of(row["db_type"]).restore_access(conn, row)
        restored = await store.update_returning(
            conn,
            "UPDATE databases SET status = 'active', deleted_at = NULL, destroy_after = NULL, updated_at = %(now)s"
            " WHERE id = %(id)s",
            {"now": services.clock.now(), "id": row["id"]},
        )
        return without_credentials(restored, services)


async def expire_now(services: Services, uuid: UUID) -> dict[str, Any]:
    """Have the reaper destroy it now: tests that make many would fill the disk.

    The database, masked. Raises 404 where there is none, 422 `not_deleted`.
    """
    async with services.pool.connection() as conn, conn.transaction():
        row = await _deleted(conn, uuid, "not_deleted")
        # One that was never handed over keeps its grace: it may still be being built, and what is built after it was
        # destroyed nobody would remove.
        due = await store.update_returning(
            conn,
            "UPDATE databases SET destroy_after = CASE WHEN is_assigned THEN least(destroy_after, %(now)s)"
            " ELSE destroy_after END WHERE id = %(id)s",
            {"now": services.clock.now(), "id": row["id"]},
        )
    services.notifiers.deletions.notify()
    return without_credentials(due, services)


async def _deleted(conn: Connection, uuid: UUID, otherwise: str) -> Row:
    """The row, locked. Raises 404, and 422 with this code where it is not deleted."""
    cursor = await conn.execute("SELECT * FROM databases WHERE uuid = %s FOR UPDATE", (uuid,))
    row = await cursor.fetchone()
    if row is None:
        raise not_found("database")
    if row["deleted_at"] is None:
        raise ApiError(422, otherwise, "The database is not deleted.", {"field": "uuid"})
    return row
