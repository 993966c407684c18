"""Operations of the admin API on a deleted database during its grace. The public API has none (api-facts S4)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from controlplane.databases import store
from controlplane.databases.serializers import without_credentials
from controlplane.db.pool import Connection, Row
from controlplane.http.errors import ApiError, not_found
from controlplane.services import Services


async def restore_deleted(services: Services, uuid: UUID) -> dict[str, Any]:
    """Restore a deleted database, and return it without credentials.

    Raises:
        ApiError: 404 if it does not exist, 422 `not_restorable` if it is not deleted or already destroyed.
    """
    async with services.pool.connection() as conn, conn.transaction():
        row = await _lock_deleted(conn, uuid, "not_restorable")
        if row["destroyed_at"] is not None or not row["is_assigned"]:
            raise ApiError(422, "not_restorable", "The database was destroyed already.", {"field": "uuid"})
        # On another server this is not undone if the process is killed before the commit; enforce_revocations does it.
        await services.engines.of(row["db_type"]).restore_access(conn, row)
        restored = await store.write_returning(
            conn,
            "UPDATE databases SET status = 'active', deleted_at = NULL, destroy_after = NULL, updated_at = %(now)s"
            " WHERE id = %(id)s",
            {"now": services.clock.now(), "id": row["id"]},
        )
        return without_credentials(restored, services)


async def expire_now(services: Services, uuid: UUID) -> dict[str, Any]:
    """End the grace of a deleted database, so that the reaper destroys it now, and return it without credentials.

    Tests that create many databases would fill the disk otherwise.

    Raises:
        ApiError: 404 if it does not exist, 422 `not_deleted` if it is not deleted.
    """
    async with services.pool.connection() as conn, conn.transaction():
        row = await _lock_deleted(conn, uuid, "not_deleted")
        # The grace of a database that was never assigned does not end: a job may still be building it, and what is
        # built after the destruction would never be removed.
        due = await store.write_returning(
            conn,
            "UPDATE databases SET destroy_after = CASE WHEN is_assigned THEN least(destroy_after, %(now)s)"
            " ELSE destroy_after END WHERE id = %(id)s",
            {"now": services.clock.now(), "id": row["id"]},
        )
    services.notifiers.deletions.notify()
    return without_credentials(due, services)


async def _lock_deleted(conn: Connection, uuid: UUID, error_code: str) -> Row:
    """Lock and return a deleted database's row. Raise 404, or 422 with this code if it is not deleted."""
    row = await conn.fetch_one("SELECT * FROM databases WHERE uuid = %s FOR UPDATE", (uuid,))
    if row is None:
        raise not_found("database")
    if row["deleted_at"] is None:
        raise ApiError(422, error_code, "The database is not deleted.", {"field": "uuid"})
    return row
