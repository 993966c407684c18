"""Prepare a PostgreSQL server for the control plane: check it, create and migrate its database, lock tenants out."""

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
    """Return the server of --database-url.

    Raises:
        UnusableServerError: It is no PostgreSQL URL.
    """
    try:
        return Server.from_url(url)
    except (psycopg.ProgrammingError, ValueError):
        # libpq's message would repeat the URL with its password.
        raise UnusableServerError(
            "--database-url is not a PostgreSQL URL. Use the form postgresql://user:password@host:port."
        ) from None


async def bootstrap(server: Server) -> None:
    """Prepare the server, once for all processes: later ones find it prepared.

    Raises:
        UnusableServerError: The server cannot be reached, or the role is no superuser.
    """
    try:
        first = await server.connect("postgres")
    except psycopg.OperationalError as error:
        raise UnusableServerError(f"Cannot connect to PostgreSQL at {server.host}:{server.port}: {error}") from None
    async with first as conn:
        if not await conn.fetch_value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            raise UnusableServerError("The role of --database-url must be a superuser: it creates roles and databases.")
        # Released with the connection. Without it, processes that start together would create the database together.
        await conn.execute("SELECT pg_advisory_lock(%s)", (_PREPARING,))
        if await conn.fetch_one("SELECT FROM pg_database WHERE datname = %s", (CONTROL_DATABASE,)) is None:
            await conn.execute(f"CREATE DATABASE {CONTROL_DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        await revoke_public_connect(conn, ["postgres", "template1", CONTROL_DATABASE])
        await make_template(server, conn)
    async with await server.connect(CONTROL_DATABASE) as conn:
        applied = await migrate(conn)
    if applied:
        _log.info("migrated", extra={"facts": {"applied": applied}})
