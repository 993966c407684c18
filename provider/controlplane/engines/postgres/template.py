"""What every tenant's database is a copy of (docs/decisions/0040).

Its schema `public` belongs to a role that all tenants are in, so that a new database is its tenant's without a
connection to it. Its catalogs are written anew, without the room that `initdb` leaves: a fifth less to copy.
"""

from __future__ import annotations

from typing import Final

from psycopg import sql

from controlplane.db.pool import Connection
from controlplane.db.server import Server

# Underscores: no tenant can choose such a name.
TEMPLATE: Final = "polykomos_template"
TENANTS: Final = "polykomos_tenants"

_ROLE, _DATABASE = sql.Identifier(TENANTS), sql.Identifier(TEMPLATE)


async def make_template(server: Server, conn: Connection) -> None:
    """Make the role and the database where they are missing or half made. conn: autocommit, one process at a time."""
    cursor = await conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (TENANTS,))
    if await cursor.fetchone() is None:
        await conn.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(_ROLE))
    cursor = await conn.execute("SELECT datallowconn FROM pg_database WHERE datname = %s", (TEMPLATE,))
    made = await cursor.fetchone()
    if made is None:
        # PUBLIC may connect to a new database: the limit keeps all but superusers out.
        await conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' CONNECTION LIMIT 0").format(_DATABASE)
        )
    if made is None or made["datallowconn"]:
        async with await server.connect(TEMPLATE) as within:
            await own_public_schema(within)
            await _compact(within)
        # As initdb does of template0: else no copy could be made after an upgrade of the machine's C library. There is
        # nothing in it that is sorted by that.
        await conn.execute("UPDATE pg_database SET datcollversion = NULL WHERE datname = %s", (TEMPLATE,))
        # Copies can be made only while nobody is connected.
        await conn.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(_DATABASE))


async def own_public_schema(within: Connection) -> None:
    """Give `public` to the role, where it is as `template0` has it: versions before made databases of that."""
    cursor = await within.execute(
        "SELECT FROM pg_namespace WHERE nspname = 'public' AND nspowner = 'pg_database_owner'::regrole"
    )
    if await cursor.fetchone() is not None:
        await within.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(_ROLE))


async def _compact(within: Connection) -> None:
    """Only what is copied with a database: the catalogs that all share may be in use."""
    cursor = await within.execute(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND NOT relisshared"
    )
    names = sql.SQL(", ").join([sql.SQL(row["name"]) for row in await cursor.fetchall()])
    await within.execute(sql.SQL("VACUUM (FULL, FREEZE) {}").format(names))
