"""The database that every tenant's database is a copy of (docs/decisions/0040).

Its schema `public` belongs to a role that all tenants are members of, so that a new database needs no connection to
become its tenant's. Its catalogs are rewritten without the free space that `initdb` leaves: a fifth less to copy.
"""

from __future__ import annotations

from typing import Final

from psycopg import sql

from controlplane.db.pool import Connection
from controlplane.db.server import Server

# No tenant can choose a name with underscores.
TEMPLATE: Final = "polykomos_template"
TENANTS: Final = "polykomos_tenants"

_ROLE, _DATABASE = sql.Identifier(TENANTS), sql.Identifier(TEMPLATE)


async def make_template(server: Server, conn: Connection) -> None:
    """Create the role and the database if they are missing or incomplete.

    Args:
        server: The server.
        conn: An autocommit connection; one process at a time.
    """
    cursor = await conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (TENANTS,))
    if await cursor.fetchone() is None:
        await conn.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(_ROLE))
    cursor = await conn.execute("SELECT datallowconn FROM pg_database WHERE datname = %s", (TEMPLATE,))
    template = await cursor.fetchone()
    if template is None:
        # PUBLIC may connect to a new database: the limit locks out all but superusers.
        await conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' CONNECTION LIMIT 0").format(_DATABASE)
        )
    if template is None or template["datallowconn"]:
        async with await server.connect(TEMPLATE) as within:
            await own_public_schema(within)
            await _compact(within)
        # As initdb does for template0: otherwise no copy could be made after an upgrade of the machine's C library.
        # Nothing in the template is sorted by that library.
        await conn.execute("UPDATE pg_database SET datcollversion = NULL WHERE datname = %s", (TEMPLATE,))
        # A database can be copied only while nobody is connected.
        await conn.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(_DATABASE))


async def own_public_schema(within: Connection) -> None:
    """Give `public` to the role if it is as in `template0`: earlier versions copied that database."""
    cursor = await within.execute(
        "SELECT FROM pg_namespace WHERE nspname = 'public' AND nspowner = 'pg_database_owner'::regrole"
    )
    if await cursor.fetchone() is not None:
        await within.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(_ROLE))


async def _compact(within: Connection) -> None:
    """Rewrite the catalogs of this database. Catalogs that all databases share may be in use, and are not copied."""
    cursor = await within.execute(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND NOT relisshared"
    )
    names = sql.SQL(", ").join([sql.SQL(row["name"]) for row in await cursor.fetchall()])
    await within.execute(sql.SQL("VACUUM (FULL, FREEZE) {}").format(names))
