"""Blueprint of a database's create (api-facts C2): queued in its transaction, run by its provisioning job."""

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
    """Queue an application of the blueprint's current version in the transaction that creates the database.

    Args:
        conn: The connection of the transaction.
        principal: The caller.
        database: The database's row.
        blueprint_uuid: The blueprint's UUID.
        variables: Values by name.
        now: The time of the call.

    Returns:
        The application's number.

    Raises:
        ApiError: 422, the blueprint does not exist, or cannot be applied with these values to this engine.
    """
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
    """Run the application until it has ended. It may be called again.

    The lease of the provisioning job that calls it excludes a second caller.
    """
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
