"""MySQL tenants: a user `u<number>` and a database on the MariaDB server.

There are two servers and no common transaction: the row is committed first, and every step here can be repeated. Names
and numbers come from the row, so a repetition finds what the first run created. MySQL cannot rename a database, but
creates one in milliseconds: the warm pool contains users only, and the running server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from pymysql.err import Error, InterfaceError, OperationalError

from controlplane.db.pool import Connection, Pool, Row
from controlplane.engines.base import Endpoint, EngineUnavailableError, StepCallback
from controlplane.engines.mysql.connection import MysqlConnection, execute, fetch_all, identifier, verifier
from controlplane.engines.mysql.server import MysqlServer
from controlplane.engines.naming import role_name
from controlplane.engines.ports import HOST

T = TypeVar("T")

# What a tenant may always do in its database, and what it may not do while its storage is used up. It gets below the
# limit again by DELETE, DROP (also TRUNCATE) and TRIGGER (the tenant's own trigger may block a DELETE).
READ_DELETE_PRIVILEGES = "SELECT, DELETE, DROP, EXECUTE, SHOW VIEW, LOCK TABLES, TRIGGER, ALTER ROUTINE"
WRITE_PRIVILEGES = (
    "INSERT, UPDATE, CREATE, ALTER, INDEX, REFERENCES, CREATE TEMPORARY TABLES, CREATE VIEW, CREATE ROUTINE"
)
# The beginning of the names of databases and users for dry runs. No tenant can choose underscores.
SANDBOX_PREFIX = "polykomos_dry_run_"
# Also that of earlier releases, which may have left some.
SANDBOX_PREFIXES = (SANDBOX_PREFIX, "polykomos_rehearsal_")
_DRY_RUN_BYTES = 1_000_000_000  # the size at which a dry run is ended
_CONNECTION_ERRORS = frozenset({1040, 1042, 1053, 1077, 1158, 1159, 1160, 1161, 2002, 2003, 2006, 2013})
_END_SECONDS = 5.0


def quoted_account(number: int) -> str:
    """Return the tenant's account, quoted."""
    return f"'{role_name(number)}'@'%'"


class MysqlEngine:
    """See controlplane.engines.base.DatabaseEngine."""

    value = "mysql"
    label = "MySQL"
    transactional = False

    def __init__(self, server: MysqlServer, pool: Pool) -> None:
        self.server = server
        self._pool = pool

    @property
    def unavailable_reason(self) -> str | None:
        """Return why no MySQL database can be ordered here, or None."""
        return self.server.unavailable_reason

    @property
    def is_local(self) -> bool:
        """Return whether this process runs MariaDB."""
        return self.server.is_local

    @property
    def is_running(self) -> bool:
        """Return whether MariaDB runs now."""
        return self.server.is_running

    @property
    def endpoint(self) -> Endpoint:
        """Return the address that tenants connect to."""
        return Endpoint("mysql", HOST, self.server.port)

    async def run(self, work: Callable[[MysqlConnection], T]) -> T:
        """Call `work` with the administrator's connection in a thread.

        Raises:
            EngineUnavailableError: The server cannot be reached.
        """
        login = await self.server.ensure_running()
        try:
            return await asyncio.to_thread(login.run, work)
        except (OperationalError, InterfaceError) as error:
            if error.args and error.args[0] in _CONNECTION_ERRORS:
                raise EngineUnavailableError("the MariaDB server cannot be reached") from None
            raise

    async def _execute(self, *statements: str) -> None:
        await self.run(lambda raw: execute(raw, *statements))

    async def provision(self, number: int, reached: StepCallback) -> None:
        """Create the tenant's user, locked. Repeatable."""
        await self._execute(f"CREATE USER IF NOT EXISTS {quoted_account(number)} ACCOUNT LOCK")
        await reached("after_role")

    async def assign(self, conn: Connection, row: Row, connections: int) -> None:
        """Create the database and unlock the user. Repeatable."""
        user, database = quoted_account(row["id"]), identifier(row["db_name"])
        await self._execute(
            f"CREATE DATABASE IF NOT EXISTS {database}",
            f"GRANT {READ_DELETE_PRIVILEGES}, {WRITE_PRIVILEGES} ON {database}.* TO {user}",
            f"ALTER USER {user} IDENTIFIED VIA mysql_native_password USING '{verifier(row['db_password'])}'"
            f" WITH MAX_USER_CONNECTIONS {int(connections)} ACCOUNT UNLOCK",
        )

    async def limit_connections(self, conn: Connection, row: Row, connections: int) -> None:
        """Set the limit of simultaneous connections."""
        await self._execute(f"ALTER USER {quoted_account(row['id'])} WITH MAX_USER_CONNECTIONS {int(connections)}")

    async def revoke_access(self, conn: Connection, row: Row) -> None:
        """Lock the user. Repeatable."""
        await self._execute(f"ALTER USER IF EXISTS {quoted_account(row['id'])} ACCOUNT LOCK")

    async def restore_access(self, conn: Connection, row: Row) -> None:
        """Unlock the user. Repeatable."""
        await self._execute(f"ALTER USER {quoted_account(row['id'])} ACCOUNT UNLOCK")

    async def terminate_sessions(self, row: Row) -> None:
        """End the user's sessions."""
        await self.run(lambda raw: _end_sessions(raw, row["db_username"]))

    async def destroy(self, row: Row) -> None:
        """Drop the database and the user. Repeatable."""
        # The name belongs to this row until the row is marked destroyed, whether it was assigned or not.
        await self._execute(
            f"DROP DATABASE IF EXISTS {identifier(row['db_name'])}", f"DROP USER IF EXISTS {quoted_account(row['id'])}"
        )

    async def enforce_revocations(self) -> None:
        """Lock deleted tenants out and end their sessions."""
        async with self._pool.connection() as conn:
            deleted = await conn.fetch_all(
                "SELECT id, db_username FROM databases"
                " WHERE db_type = 'mysql' AND deleted_at IS NOT NULL AND destroyed_at IS NULL"
            )
            # A stopped server lets nobody in, and its start locks deleted tenants out.
            if not deleted or not self.server.is_running:
                return
            for row in await self.run(lambda raw: _with_access(raw, deleted)):
                await self.revoke_access(conn, row)
                await self.terminate_sessions(row)

    async def measure_sizes(self, live: list[Row]) -> dict[int, int]:
        """Return the bytes of each of these databases, by number."""
        sizes = await self.run(_measure)
        return {row["id"]: sizes.get(row["db_name"], 0) for row in live}

    async def block_writes(self, row: Row) -> None:
        """Revoke the tenant's write privileges and end its sessions. Repeatable."""

        def block(raw: MysqlConnection) -> None:
            if _may_write(raw, row):
                execute(
                    raw,
                    f"GRANT {READ_DELETE_PRIVILEGES} ON {identifier(row['db_name'])}.* TO {quoted_account(row['id'])}",
                    f"REVOKE {WRITE_PRIVILEGES} ON {identifier(row['db_name'])}.* FROM {quoted_account(row['id'])}",
                )
                # An open session still has the rights that it had when it chose its database.
                _end_sessions(raw, row["db_username"])

        await self.run(block)

    async def allow_writes(self, row: Row) -> None:
        """Grant the tenant's write privileges and end its sessions. Repeatable."""

        def allow(raw: MysqlConnection) -> None:
            privileges = f"{READ_DELETE_PRIVILEGES}, {WRITE_PRIVILEGES}"
            execute(raw, f"GRANT {privileges} ON {identifier(row['db_name'])}.* TO {quoted_account(row['id'])}")
            _end_sessions(raw, row["db_username"])

        await self.run(allow)


def _may_write(raw: MysqlConnection, row: Row) -> bool:
    query = "SELECT Insert_priv AS writes FROM mysql.db WHERE User = %s AND Db = %s"
    privileges = fetch_all(raw, query, row["db_username"], row["db_name"])
    return not privileges or privileges[0]["writes"] != "N"


def _with_access(raw: MysqlConnection, deleted: list[Row]) -> list[Row]:
    """Return the rows of tenants whose account is open, or who have a session."""
    users = {
        row["User"]
        for row in fetch_all(
            raw,
            "SELECT User FROM mysql.global_priv WHERE NOT coalesce(json_value(Priv, '$.account_locked'), 0)"
            " UNION SELECT User FROM information_schema.PROCESSLIST",
        )
    }
    return [row for row in deleted if row["db_username"] in users]


def _end_sessions(raw: MysqlConnection, user: str) -> None:
    """Kill the user's sessions and wait until they are gone: a killed session may still run its statement."""
    deadline = time.monotonic() + _END_SECONDS
    while True:
        sessions = fetch_all(raw, "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s", user)
        if not sessions or time.monotonic() > deadline:
            return
        for session in sessions:
            try:
                execute(raw, f"KILL CONNECTION {int(session['ID'])}")
            except Error as error:
                if error.args[0] != 1094:  # the session has ended by itself
                    raise
        time.sleep(0.005)


def _measure(raw: MysqlConnection) -> dict[str, int]:
    """Return bytes by database. A dry run has no limit of a tenant; it is ended when it takes too much."""
    sizes = _sizes(raw)
    for name, size in sizes.items():
        if name.startswith(SANDBOX_PREFIXES) and size > _DRY_RUN_BYTES:
            _end_sessions(raw, name)
    return sizes


def _sizes(raw: MysqlConnection) -> dict[str, int]:
    """Return the bytes in use by database.

    For InnoDB that is the size of the files without their free space, so that a DELETE counts at once.
    """
    sizes: dict[str, int] = {}
    # MariaDB writes a hyphen in a file's name as @002d. Names of databases contain no other special characters.
    for row in fetch_all(
        raw,
        "SELECT replace(substring_index(NAME, '/', 1), '@002d', '-') AS name, sum(FILE_SIZE) AS bytes"
        " FROM information_schema.INNODB_SYS_TABLESPACES GROUP BY 1",
    ):
        sizes[row["name"]] = int(row["bytes"])
    for row in fetch_all(
        raw,
        "SELECT TABLE_SCHEMA AS name, ENGINE AS engine, sum(DATA_FREE) AS free,"
        " sum(coalesce(DATA_LENGTH, 0) + coalesce(INDEX_LENGTH, 0)) AS bytes FROM information_schema.TABLES"
        " WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')"
        " AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') GROUP BY 1, 2",
    ):
        change = -int(row["free"] or 0) if row["engine"] == "InnoDB" else int(row["bytes"] or 0)
        sizes[row["name"]] = sizes.get(row["name"], 0) + change
    return sizes
