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

    `conn` is in autocommit mode; one process at a time.
    """
    if await conn.fetch_one("SELECT FROM pg_roles WHERE rolname = %s", (TENANTS,)) is None:
        await conn.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(_ROLE))
    is_open = await conn.fetch_value("SELECT datallowconn FROM pg_database WHERE datname = %s", (TEMPLATE,))
    if is_open is None:
        # PUBLIC may connect to a new database: the limit locks out all but superusers.
        await conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' CONNECTION LIMIT 0").format(_DATABASE)
        )
    if is_open is not False:
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
    unchanged = await within.fetch_one(
        "SELECT FROM pg_namespace WHERE nspname = 'public' AND nspowner = 'pg_database_owner'::regrole"
    )
    if unchanged is not None:
        await within.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(_ROLE))


async def _compact(within: Connection) -> None:
    """Rewrite the catalogs of this database. Catalogs that all databases share may be in use, and are not copied."""
    tables = await within.fetch_column(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND NOT relisshared"
    )
    names = sql.SQL(", ").join(map(sql.SQL, tables))
    await within.execute(sql.SQL("VACUUM (FULL, FREEZE) {}").format(names))
