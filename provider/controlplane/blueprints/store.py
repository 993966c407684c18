"""Rows of blueprints: read and write. A blueprint belongs to a user, a system blueprint to none."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from uuid import UUID

from psycopg.types.json import Json

from controlplane.db.pool import Connection, Row
from controlplane.http.context import RequestContext
from controlplane.http.errors import forbidden, not_found
from controlplane.http.paging import fetch_page
from controlplane.http.responses import Page
from controlplane.http.validation import parse_uuid

_VISIBLE = "(user_id = %s OR user_id IS NULL)"
_FIND = f"SELECT * FROM blueprints WHERE uuid = %s AND {_VISIBLE} AND deleted_at IS NULL"  # noqa: S608 (a constant)
_SLUG_LOCK = 0x736C7567  # one create chooses a slug at a time
_LONGEST_SLUG = 100


async def find(conn: Connection, user_id: int, uuid: UUID | None, *, lock: bool = False) -> Row | None:
    """Return the blueprint of this UUID, if it is the user's or a system blueprint and not deleted, else None.

    `lock` locks the row until the end of the transaction.
    """
    return await conn.fetch_one(_FIND + (" FOR UPDATE" if lock else ""), (uuid, user_id))


async def find_or_404(call: RequestContext, *, to_change: bool = False) -> Row:
    """Return the blueprint that the path names.

    `to_change` locks the row.

    Raises:
        ApiError: 404 if there is none, 403 for a change of a system blueprint (api-facts S18).
    """
    uuid = call.uuid_parameter("uuid", "blueprint")
    row = await find(call.conn, call.principal.user_id, uuid, lock=to_change)
    if row is None:
        raise not_found("blueprint")
    if to_change and row["user_id"] is None:
        raise forbidden("system_blueprint_immutable", "System blueprints cannot be changed or deleted.")
    return row


async def list_page(conn: Connection, user_id: int, page: Page) -> list[Row]:
    """Return up to `page.fetch` blueprints of the user and the system, newest first.

    Raises:
        ApiError: 422 `invalid_cursor`, the page starts after no such blueprint.
    """
    return await fetch_page(
        conn,
        page,
        f"SELECT * FROM blueprints WHERE {_VISIBLE} AND deleted_at IS NULL",  # noqa: S608 (a constant)
        (user_id,),
        cursor_query=f"SELECT created_at, id FROM blueprints WHERE uuid = %s AND {_VISIBLE}",  # noqa: S608 (a constant)
        cursor=parse_uuid(page.starting_after or ""),
    )


async def insert(call: RequestContext, *, name: str, sql_content: str, description: str | None, variables: Any) -> Row:
    """Insert a blueprint with its first version, and return its row."""
    conn, user_id = call.conn, call.principal.user_id
    uuid = await call.services.controls.new_uuid(conn)
    row = await conn.fetch_row(
        "INSERT INTO blueprints (uuid, user_id, name, slug, description, sql_content, variables, created_at,"
        " updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING *",
        (
            *(uuid, user_id, name, await _free_slug(conn, user_id, name), description, sql_content),
            *(None if variables is None else Json(variables), call.now, call.now),
        ),
    )
    await _insert_version(call, row)
    return row


async def update(call: RequestContext, row: Row, changes: dict[str, Any]) -> Row:
    """Update the changed columns, and return the row. Other SQL makes a new version (api-facts C19)."""
    is_new_version = changes.get("sql_content", row["sql_content"]) != row["sql_content"]
    values = {**row, **changes, "version": row["version"] + is_new_version, "now": call.now}
    values["variables"] = None if values["variables"] is None else Json(values["variables"])
    updated = await call.conn.fetch_row(
        "UPDATE blueprints SET name = %(name)s, description = %(description)s, sql_content = %(sql_content)s,"
        " variables = %(variables)s, version = %(version)s, updated_at = %(now)s WHERE id = %(id)s RETURNING *",
        values,
    )
    if is_new_version:
        await _insert_version(call, updated)
    return updated


async def _insert_version(call: RequestContext, row: Row) -> None:
    await call.conn.execute(
        "INSERT INTO blueprint_versions (blueprint_id, version, sql_content, created_at) VALUES (%s, %s, %s, %s)",
        (row["id"], row["version"], row["sql_content"], call.now),
    )


async def _free_slug(conn: Connection, user_id: int, name: str) -> str:
    """Return the name's slug, followed by a number if the user has that slug already (api-facts S17)."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_SLUG_LOCK, user_id))
    base = slug_of(name)
    taken = await conn.fetch_column(
        "SELECT slug FROM blueprints WHERE user_id = %s AND deleted_at IS NULL AND slug LIKE %s",
        (user_id, f"{base}%"),
    )
    number = 2
    slug = base
    while slug in taken:
        slug = f"{base}-{number}"
        number += 1
    return slug


def slug_of(name: str) -> str:
    """Return a name's slug: `seed-contacts` for `Seed Contacts!`, `blueprint` for a name without letters and digits."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:_LONGEST_SLUG].rstrip("-") or "blueprint"
