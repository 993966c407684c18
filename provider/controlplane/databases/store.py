"""Rows of databases: read, lock, write, and choose names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

from controlplane.db.batched_reads import BatchedReads
from controlplane.db.pool import Connection, Row
from controlplane.engines.naming import RESERVED, candidate_names
from controlplane.http.errors import ApiError, not_found
from controlplane.http.paging import fetch_page
from controlplane.http.principal import Principal
from controlplane.http.responses import Page
from controlplane.http.validation import parse_uuid

_NAME_LOCK = 0x64626E616D65  # "dbname": one create chooses a name at a time

_SELECT = "SELECT d.*, t.name AS team_name FROM databases d JOIN teams t ON t.id = d.team_id"
_FIND = _SELECT + " WHERE d.uuid = %s AND d.team_id = ANY(%s) AND d.deleted_at IS NULL"
_BY_ID = _SELECT + " WHERE d.id = %s"
_LIST = _SELECT + " WHERE d.team_id = ANY(%s) AND d.deleted_at IS NULL"
_LOCK = " FOR UPDATE OF d"
_WRITE: Final[LiteralString] = (
    "WITH d AS ({} RETURNING *) SELECT d.*, t.name AS team_name FROM d JOIN teams t ON t.id = d.team_id"
)


async def find(conn: Connection, principal: Principal, uuid: UUID, *, lock: bool = False) -> Row:
    """Return the caller's database of this UUID.

    `lock` locks the row until the end of the transaction.

    Raises:
        ApiError: 404, the caller has no such database, or it is deleted.
    """
    row = await conn.fetch_one(_FIND + _LOCK if lock else _FIND, (uuid, list(principal.team_ids)))
    if row is None:
        raise not_found("database")
    return row


async def find_batched(reads: BatchedReads, principal: Principal, uuid: UUID) -> Row:
    """Return the caller's database of this UUID, by a query that requests which arrive together share.

    Raises:
        ApiError: 404, the caller has no such database, or it is deleted.
    """
    row = await reads.get(_read_by_uuid, uuid)
    if row is None or row["team_id"] not in principal.team_ids:
        raise not_found("database")
    return row


async def _read_by_uuid(conn: Connection, uuids: Sequence[UUID]) -> Mapping[UUID, Row]:
    cursor = await conn.execute(
        _SELECT + " WHERE d.uuid = ANY(ARRAY(SELECT unnest(%s::uuid[]))) AND d.deleted_at IS NULL", (uuids,)
    )
    return {row["uuid"]: row for row in await cursor.fetchall()}


async def get(conn: Connection, number: int, *, lock: bool = False) -> Row:
    """Return the row of an existing number, deleted or not. `lock` locks it until the end of the transaction."""
    return await conn.fetch_row(_BY_ID + _LOCK if lock else _BY_ID, (number,))


async def write_returning(conn: Connection, statement: LiteralString, parameters: Mapping[str, Any]) -> Row:
    """Run an INSERT or UPDATE of one row of `databases`, and return the row after it."""
    return await conn.fetch_row(_WRITE.format(statement), parameters)


async def list_page(conn: Connection, principal: Principal, page: Page) -> list[Row]:
    """Return up to `page.fetch` databases of the caller's teams, newest first.

    The page may start after a database that was deleted in the meantime, so that a client can delete while paging.

    Raises:
        ApiError: 422 `invalid_cursor`, the page starts after no database of the teams.
    """
    return await fetch_page(
        conn,
        page,
        _LIST,
        (list(principal.team_ids),),
        cursor_query="SELECT created_at, id FROM databases WHERE uuid = %s AND team_id = ANY(%s)",
        cursor=parse_uuid(page.starting_after or ""),
        prefix="d.",
    )


async def ensure_name_free(conn: Connection, team_id: int, name: str) -> None:
    """Reject a name that another database of the team has, for the strict mode (api-facts S1).

    Raises:
        ApiError: 422 `name_taken`.
    """
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_NAME_LOCK,))
    namesake = await conn.fetch_one(
        "SELECT FROM databases WHERE team_id = %s AND name = %s AND deleted_at IS NULL", (team_id, name)
    )
    if namesake is not None:
        raise ApiError(422, "name_taken", f"The team has a database named {name} already.", {"field": "name"})


async def choose_db_name(conn: Connection, db_type: str, name: str, number: int) -> str:
    """Return a name that is free on the engine's server and in the store, reserved until the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_NAME_LOCK,))
    candidates = candidate_names(name, number, db_type)
    # Every database on a MySQL server is in the store or belongs to the server itself.
    taken = await conn.fetch_column(
        "SELECT db_name FROM databases"
        " WHERE destroyed_at IS NULL AND db_type = %(db_type)s AND db_name = ANY(%(names)s)"
        " UNION SELECT datname FROM pg_database WHERE %(db_type)s = 'postgres' AND datname = ANY(%(names)s)",
        {"names": list(candidates), "db_type": db_type},
    )
    taken += RESERVED.get(db_type, ())
    return next(candidate for candidate in candidates if candidate not in taken)
