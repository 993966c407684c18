"""A blueprint that belongs to a database's creation (api-facts C2): queued with it, run by its provisioning job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from controlplane.blueprints import application_store, attempts, store
from controlplane.blueprints.variables import VariableError
from controlplane.databases import store as databases
from controlplane.db.pool import Connection, Row
from controlplane.http.errors import invalid_field
from controlplane.http.principal import Principal
from controlplane.services import Services


async def queue(
    conn: Connection,
    *,
    principal: Principal,
    database: Row,
    blueprint_uuid: str,
    variables: Mapping[str, Any] | None,
    now: datetime,
) -> int:
    """Queue it in the creation's transaction, at its current version; returns its number. Raises 422."""
    blueprint = await store.find(conn, principal.user_id, UUID(blueprint_uuid))
    if blueprint is None:
        raise invalid_field("blueprint_uuid", "no such blueprint")
    try:
        row = await application_store.insert(
            conn,
            blueprint,
            database=database,
            user_id=principal.user_id,
            variables=variables,
            dry_run=False,
            at_creation=True,
            now=now,
        )
    except VariableError as error:
        raise invalid_field("blueprint_variables", str(error)) from None
    except application_store.UnsupportedByEngineError as error:
        raise invalid_field("blueprint_uuid", str(error)) from None
    return int(row["id"])


async def apply(services: Services, application_id: int) -> None:
    """Bring it to its end. The job that calls this is leased, so nobody else runs it; safe to call again."""
    now = services.clock.now()
    async with services.pool.connection() as conn:
        cursor = await conn.execute(
            "UPDATE blueprint_applications SET status = 'running', owner = %s, started_at = coalesce(started_at, %s)"
            " WHERE id = %s AND status IN ('pending', 'running') RETURNING *",
            (services.process_id, now, application_id),
        )
        row = await cursor.fetchone()
        if row is None:
            return
        database = await databases.get(conn, row["database_id"])
    await attempts.run(services, row, database)
