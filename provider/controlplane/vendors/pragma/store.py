"""Rows of Pragma's resources, builds and dead letters. A user's team is the organization."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Json

from controlplane.db.pool import Connection, Row
from controlplane.db.process_lease import WITH_LIVE_PROCESSES
from controlplane.http.principal import Principal

FROZEN: Final = ("pending", "processing")
_FIND: Final = "SELECT * FROM pragma_resources WHERE team_id = %s AND id = %s"


async def find(conn: Connection, principal: Principal, id: str, *, lock: bool = False) -> Row | None:
    """Return a resource of the organization, or None."""
    return await conn.fetch_one(
        _FIND + " FOR UPDATE" if lock else _FIND,
        (principal.primary_team_id, id),
    )


async def list_resources(
    conn: Connection, principal: Principal, provider: str | None, resource: str | None, tags: list[str]
) -> list[Row]:
    """Return the resources with these properties and all of these tags."""
    return await conn.fetch_all(
        "SELECT * FROM pragma_resources WHERE team_id = %(team)s AND (%(provider)s::text IS NULL OR provider ="
        " %(provider)s) AND (%(resource)s::text IS NULL OR resource = %(resource)s) AND tags @> %(tags)s ORDER BY id",
        {"team": principal.primary_team_id, "provider": provider, "resource": resource, "tags": tags},
    )


async def upsert(conn: Connection, principal: Principal, fields: dict[str, Any], now: datetime) -> Row:
    """Create or change a resource."""
    values = {**fields, "config": Json(fields["config"]), "team": principal.primary_team_id, "now": now}
    return await conn.fetch_row(
        "INSERT INTO pragma_resources (team_id, id, provider, resource, name, config, tags, lifecycle_state,"
        " created_at, updated_at) VALUES (%(team)s, %(id)s, %(provider)s, %(resource)s, %(name)s, %(config)s, %(tags)s,"
        " %(lifecycle_state)s, %(now)s, %(now)s) ON CONFLICT (team_id, id) DO UPDATE SET config = excluded.config,"
        " tags = excluded.tags, lifecycle_state = excluded.lifecycle_state, error = NULL,"
        " updated_at = excluded.updated_at RETURNING *",
        values,
    )


async def delete(conn: Connection, principal: Principal, id: str) -> None:
    """Delete a resource."""
    await conn.execute("DELETE FROM pragma_resources WHERE team_id = %s AND id = %s", (principal.primary_team_id, id))


async def claim(conn: Connection, process: int) -> Row | None:
    """Return the next committed resource, which is this process's from now on, or None.

    A resource whose process has ended is processed again.
    """
    return await conn.fetch_one(
        WITH_LIVE_PROCESSES + " UPDATE pragma_resources SET lifecycle_state = 'processing', owner = %(me)s"  # noqa: S608
        " WHERE (team_id, id) = (SELECT team_id, id FROM pragma_resources WHERE (lifecycle_state = 'pending'"
        "  OR lifecycle_state = 'processing' AND owner NOT IN (TABLE living)) AND %(me)s IN (TABLE living)"
        "  ORDER BY updated_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *",
        {"me": process},
    )


async def complete(
    conn: Connection, row: Row, outputs: dict[str, Any] | None, error: str | None, now: datetime
) -> None:
    """Record the end of the processing; a failure is a dead letter too."""
    async with conn.transaction():
        await conn.execute(
            "UPDATE pragma_resources SET lifecycle_state = %s, outputs = coalesce(%s, outputs), error = %s,"
            " owner = NULL, updated_at = %s WHERE team_id = %s AND id = %s AND lifecycle_state = 'processing'",
            ("failed" if error else "ready", outputs and Json(outputs), error, now, row["team_id"], row["id"]),
        )
        if error:
            await conn.execute(
                "INSERT INTO pragma_dead_letters (team_id, provider, resource_type, resource_name, event_type,"
                " error_message, failed_at) VALUES (%s, %s, %s, %s, 'APPLY', %s, %s)",
                (row["team_id"], row["provider"], row["resource"], row["name"], error, now),
            )


async def list_dead_letters(conn: Connection, principal: Principal, provider: str | None) -> list[Row]:
    """Return the dead letters, oldest first."""
    return await conn.fetch_all(
        "SELECT * FROM pragma_dead_letters WHERE team_id = %(team)s AND (%(provider)s::text IS NULL OR provider ="
        " %(provider)s) ORDER BY id",
        {"team": principal.primary_team_id, "provider": provider},
    )


async def insert_build(conn: Connection, principal: Principal, provider: str, code: bytes, now: datetime) -> Row:
    """Record an upload. Its version counts the provider's uploads."""
    return await conn.fetch_row(
        "INSERT INTO pragma_builds (team_id, provider, version, sha256, created_at) SELECT %(team)s, %(provider)s,"
        " count(*) + 1, sha256(%(code)s), %(now)s FROM pragma_builds WHERE team_id = %(team)s AND provider ="
        " %(provider)s RETURNING *",
        {"team": principal.primary_team_id, "provider": provider, "code": code, "now": now},
    )


async def find_build(conn: Connection, principal: Principal, provider: str, number: int) -> Row | None:
    """Return a build of the organization, or None."""
    return await conn.fetch_one(
        "SELECT * FROM pragma_builds WHERE team_id = %s AND provider = %s AND version = %s",
        (principal.primary_team_id, provider, number),
    )


async def finish_builds(conn: Connection, error: str | None) -> None:
    """End all builds that are running."""
    await conn.execute(
        "UPDATE pragma_builds SET status = %s, error_message = %s WHERE status = 'building'",
        ("failed" if error else "success", error),
    )
