"""The server that the control plane is to use: checked, its database made and migrated, tenants kept out."""

from __future__ import annotations

import logging
from typing import Final

import psycopg

from controlplane.db.migrate import migrate
from controlplane.db.server import CONTROL_DATABASE, Server
from controlplane.engines.postgres.template import make_template
from controlplane.engines.postgres.tenants import revoke_public_connect
from controlplane.errors import StartupError

_PREPARING: Final = 0x70726570  # advisory lock in the database `postgres`
_log = logging.getLogger("controlplane")


class UnusableServerError(StartupError):
    """The server of --database-url cannot be used."""


def parse_server_url(url: str) -> Server:
    """That of --database-url. Raises UnusableServer."""
    try:
        return Server.from_url(url)
    except (psycopg.ProgrammingError, ValueError):
        # libpq's message would repeat the URL, password and all.
        raise UnusableServerError("--database-url is not a PostgreSQL URL.") from None


async def bootstrap(server: Server) -> None:
    """Once for all processes; the next ones find it done. Raises UnusableServer."""
    try:
        first = await server.connect("postgres")
    except psycopg.OperationalError as error:
        raise UnusableServerError(f"Cannot connect to PostgreSQL at {server.host}:{server.port}: {error}") from None
    async with first as conn:
        cursor = await conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        role = await cursor.fetchone()
        if role is None or not role["rolsuper"]:
            raise UnusableServerError("The role of --database-url must be a superuser: it makes roles and databases.")
        # Goes with the connection. Processes that start together would make the database together.
        await conn.execute("SELECT pg_advisory_lock(%s)", (_PREPARING,))
        cursor = await conn.execute("SELECT FROM pg_database WHERE datname = %s", (CONTROL_DATABASE,))
        if await cursor.fetchone() is None:
            await conn.execute(f"CREATE DATABASE {CONTROL_DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        await revoke_public_connect(conn, ["postgres", "template1", CONTROL_DATABASE])
        await make_template(server, conn)
    async with await server.connect(CONTROL_DATABASE) as conn:
        applied = await migrate(conn)
    if applied:
        _log.info("migrated", extra={"facts": {"applied": applied}})
