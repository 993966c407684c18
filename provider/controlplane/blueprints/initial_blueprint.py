"""Blueprint of a database's create (api-facts C2): queued in its transaction, run by its provisioning job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from controlplane.blueprints import application_store, attempts, store
from controlplane.blueprints.variables import VariableError
from controlplane.databases import store as databases
from controlplane.db.pool import Row
from controlplane.http.context import RequestContext
from controlplane.http.errors import invalid_field
from controlplane.services import Services


async def queue(call: RequestContext, database: Row, uuid: str, variables: Mapping[str, Any] | None) -> int:
    """Queue an application of a blueprint's current version in the transaction that creates the database.

    Returns:
        The application's number.

    Raises:
        ApiError: 422, the blueprint does not exist, or cannot be applied with these values to this engine.
    """
    blueprint = await store.find(call.conn, call.principal.user_id, UUID(uuid))
    if blueprint is None:
        raise invalid_field("blueprint_uuid", "no such blueprint")
    try:
        row = await application_store.insert(call, blueprint, database, variables, at_creation=True)
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
        row = await conn.fetch_one(
            "UPDATE blueprint_applications SET status = 'running', owner = %s, started_at = coalesce(started_at, %s)"
            " WHERE id = %s AND status IN ('pending', 'running') RETURNING *",
            (services.process_id, now, application_id),
        )
        if row is None:
            return
        database = await databases.get(conn, row["database_id"])
    await attempts.run(services, row, database)
