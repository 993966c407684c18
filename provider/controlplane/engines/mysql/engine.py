"""MySQL tenants: a user `u<number>` and a database of its own on the MariaDB server.

Two servers, no common transaction: the row is committed first, and everything here can be run again. Names and numbers
are the row's own, so a repetition finds what the first run made and nothing is made twice. MySQL cannot rename a
database; but making one takes milliseconds, so what the pool keeps ready is the user, and the running server.
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

# What a tenant may always do in its database, and what it may not while its storage is used up. DELETE, DROP (also
# TRUNCATE) and TRIGGER (a trigger of its own may stand in a DELETE's way) are how it gets below the limit again.
READ_DELETE_PRIVILEGES = "SELECT, DELETE, DROP, EXECUTE, SHOW VIEW, LOCK TABLES, TRIGGER, ALTER ROUTINE"
WRITE_PRIVILEGES = (
    "INSERT, UPDATE, CREATE, ALTER, INDEX, REFERENCES, CREATE TEMPORARY TABLES, CREATE VIEW, CREATE ROUTINE"
)
# Databases (and users) in which SQL is rehearsed begin so. Underscores: no tenant can choose such a name.
SANDBOX_PREFIX = "polykomos_rehearsal_"
_REHEARSAL_BYTES = 1_000_000_000  # to which one may grow before it is ended
_CONNECTION_ERRORS = frozenset({1040, 1042, 1053, 1077, 1158, 1159, 1160, 1161, 2002, 2003, 2006, 2013})
_END_PATIENCE = 5.0  # seconds


def quoted_account(number: int) -> str:
    """The tenant's account, quoted."""
    return f"'{role_name(number)}'@'%'"


class MysqlEngine:
    """See controlplane.engines.base.Engine."""

    value = "mysql"
    label = "MySQL"
    transactional = False

    def __init__(self, server: MysqlServer, pool: Pool) -> None:
        self.server = server
        self._pool = pool

    @property
    def unavailable_reason(self) -> str | None:
        return self.server.unavailable_reason

    @property
    def is_local(self) -> bool:
        return self.server.is_local

    @property
    def is_running(self) -> bool:
        return self.server.is_running

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("mysql", HOST, self.server.port)

    async def run(self, work: Callable[[MysqlConnection], T]) -> T:
        """`work` as the administrator in a thread. Raises EngineDown when the server cannot be reached."""
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
        await self._execute(f"CREATE USER IF NOT EXISTS {quoted_account(number)} ACCOUNT LOCK")
        await reached("after_role")

    async def assign(self, conn: Connection, row: Row, connections: int) -> None:
        user, database = quoted_account(row["id"]), identifier(row["db_name"])
        await self._execute(
            f"CREATE DATABASE IF NOT EXISTS {database}",
            f"GRANT {READ_DELETE_PRIVILEGES}, {WRITE_PRIVILEGES} ON {database}.* TO {user}",
            f"ALTER USER {user} IDENTIFIED VIA mysql_native_password USING '{verifier(row['db_password'])}'"
            f" WITH MAX_USER_CONNECTIONS {int(connections)} ACCOUNT UNLOCK",
        )

    async def limit_connections(self, conn: Connection, row: Row, connections: int) -> None:
        await self._execute(f"ALTER USER {quoted_account(row['id'])} WITH MAX_USER_CONNECTIONS {int(connections)}")

    async def revoke_access(self, conn: Connection, row: Row) -> None:
        await self._execute(f"ALTER USER IF EXISTS {quoted_account(row['id'])} ACCOUNT LOCK")

    async def restore_access(self, conn: Connection, row: Row) -> None:
        await self._execute(f"ALTER USER {quoted_account(row['id'])} ACCOUNT UNLOCK")

    async def terminate_sessions(self, row: Row) -> None:
        await self.run(lambda raw: _end_sessions(raw, row["db_username"]))

    async def destroy(self, row: Row) -> None:
        # The name is the row's own until it is marked destroyed, handed over or not.
        await self._execute(
            f"DROP DATABASE IF EXISTS {identifier(row['db_name'])}", f"DROP USER IF EXISTS {quoted_account(row['id'])}"
        )

    async def enforce_revocations(self) -> None:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT id, db_username FROM databases"
                " WHERE db_type = 'mysql' AND deleted_at IS NOT NULL AND destroyed_at IS NULL"
            )
            deleted = await cursor.fetchall()
            # A server that does not run lets nobody in, and at its start it locks them out.
            if not deleted or not self.server.is_running:
                return
            for row in await self.run(lambda raw: _strays(raw, deleted)):
                await self.revoke_access(conn, row)
                await self.terminate_sessions(row)

    async def measure_sizes(self, live: list[Row]) -> dict[int, int]:
        found = await self.run(_measure)
        return {row["id"]: found.get(row["db_name"], 0) for row in live}

    async def block_writes(self, row: Row) -> None:
        def stop(raw: MysqlConnection) -> None:
            if _may_write(raw, row):
                execute(
                    raw,
                    f"GRANT {READ_DELETE_PRIVILEGES} ON {identifier(row['db_name'])}.* TO {quoted_account(row['id'])}",
                    f"REVOKE {WRITE_PRIVILEGES} ON {identifier(row['db_name'])}.* FROM {quoted_account(row['id'])}",
                )
                # A session keeps the rights it had when it chose its database.
                _end_sessions(raw, row["db_username"])

        await self.run(stop)

    async def allow_writes(self, row: Row) -> None:
        def allow(raw: MysqlConnection) -> None:
            privileges = f"{READ_DELETE_PRIVILEGES}, {WRITE_PRIVILEGES}"
            execute(raw, f"GRANT {privileges} ON {identifier(row['db_name'])}.* TO {quoted_account(row['id'])}")
            _end_sessions(raw, row["db_username"])

        await self.run(allow)


def _may_write(raw: MysqlConnection, row: Row) -> bool:
    query = "SELECT Insert_priv AS writes FROM mysql.db WHERE User = %s AND Db = %s"
    found = fetch_all(raw, query, row["db_username"], row["db_name"])
    return not found or found[0]["writes"] != "N"


def _strays(raw: MysqlConnection, deleted: list[Row]) -> list[Row]:
    """Those whose account is open, or who have a session."""
    able = {
        row["User"]
        for row in fetch_all(
            raw,
            "SELECT User FROM mysql.global_priv WHERE NOT coalesce(json_value(Priv, '$.account_locked'), 0)"
            " UNION SELECT User FROM information_schema.PROCESSLIST",
        )
    }
    return [row for row in deleted if row["db_username"] in able]


def _end_sessions(raw: MysqlConnection, user: str) -> None:
    """Kill, and wait until they are gone: a killed one may still be at its statement."""
    deadline = time.monotonic() + _END_PATIENCE
    while True:
        open_ones = fetch_all(raw, "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s", user)
        if not open_ones or time.monotonic() > deadline:
            return
        for session in open_ones:
            try:
                execute(raw, f"KILL CONNECTION {int(session['ID'])}")
            except Error as error:
                if error.args[0] != 1094:  # it has gone by itself
                    raise
        time.sleep(0.005)


def _measure(raw: MysqlConnection) -> dict[str, int]:
    """Bytes by database. Rehearsals, which have no limit of a tenant's, are ended when they take too much."""
    found = _sizes(raw)
    for name, size in found.items():
        if name.startswith(SANDBOX_PREFIX) and size > _REHEARSAL_BYTES:
            _end_sessions(raw, name)
    return found


def _sizes(raw: MysqlConnection) -> dict[str, int]:
    """Bytes in use by database. Of InnoDB its files less what is free in them, so that a DELETE counts at once."""
    found: dict[str, int] = {}
    # MariaDB writes a hyphen in a file's name as @002d; other characters do not occur in databases' names.
    for row in fetch_all(
        raw,
        "SELECT replace(substring_index(NAME, '/', 1), '@002d', '-') AS name, sum(FILE_SIZE) AS bytes"
        " FROM information_schema.INNODB_SYS_TABLESPACES GROUP BY 1",
    ):
        found[row["name"]] = int(row["bytes"])
    for row in fetch_all(
        raw,
        "SELECT TABLE_SCHEMA AS name, ENGINE AS engine, sum(DATA_FREE) AS free,"
        " sum(coalesce(DATA_LENGTH, 0) + coalesce(INDEX_LENGTH, 0)) AS bytes FROM information_schema.TABLES"
        " WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')"
        " AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') GROUP BY 1, 2",
    ):
        change = -int(row["free"] or 0) if row["engine"] == "InnoDB" else int(row["bytes"] or 0)
        found[row["name"]] = found.get(row["name"], 0) + change
    return found
