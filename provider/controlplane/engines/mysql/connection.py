"""Connections to MariaDB: PyMySQL's blocking connections, used in threads."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeAlias, TypeVar

import pymysql
from pymysql.connections import Connection as RawConnection
from pymysql.cursors import DictCursor, SSCursor

T = TypeVar("T")
MysqlConnection: TypeAlias = "RawConnection[DictCursor]"  # generic in its stubs only

SYSTEM_ERRORS = (pymysql.err.OperationalError, pymysql.err.InterfaceError)


@dataclass(frozen=True)
class ConnectionParams:
    """The address of the server, and the user to log in as."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    read_timeout: float | None = 60.0

    def open(self, database: str | None = None) -> MysqlConnection:
        """Return a blocking autocommit connection. The caller closes it.

        Raises:
            pymysql.err.OperationalError: The server cannot be reached, or refuses the login.
        """
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=10,
            read_timeout=self.read_timeout,
            cursorclass=DictCursor,
            local_infile=False,
        )

    @contextlib.contextmanager
    def opened(self, database: str | None = None) -> Iterator[MysqlConnection]:
        """Yield a connection that is closed at the end."""
        raw = self.open(database)
        try:
            yield raw
        finally:
            with contextlib.suppress(pymysql.err.Error):
                raw.close()

    def run(self, work: Callable[[MysqlConnection], T], database: str | None = None) -> T:
        """Call `work` with a new connection. Blocking."""
        with self.opened(database) as raw:
            return work(raw)


class Watchdog:
    """Ends a session from outside when its time is over, whatever its SQL sets or catches. A context manager.

    Attributes:
        is_over: Whether it ended the session.
    """

    def __init__(self, admin: ConnectionParams, raw: MysqlConnection) -> None:
        self._admin = admin
        self._number = int(raw.thread_id())  # type: ignore[no-untyped-call]
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._is_done = False
        self._thread = threading.Thread(target=self._watch, name="mysql-watchdog", daemon=True)
        self.is_over = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_done = True
            self._changed.notify()

    def end_after(self, seconds: float) -> None:
        """Set the time until the session is ended. It replaces an earlier time."""
        with self._changed:
            is_later = self._deadline is not None
            self._deadline = time.monotonic() + seconds
            if not is_later:
                self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_done:
                left = None if self._deadline is None else self._deadline - time.monotonic()
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
                self.is_over = True
                with contextlib.suppress(pymysql.err.Error, OSError), self._admin.opened() as raw:
                    execute(raw, f"KILL CONNECTION {self._number}")
                self._changed.wait(1)


def execute(raw: MysqlConnection, *statements: str) -> None:
    """Run statements without parameters, one after the other."""
    with raw.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def affected_rows(raw: MysqlConnection, statement: str) -> int:
    """Return how many rows a statement changed or returned. Rows are not collected: there may be any number."""
    count = 0
    with raw.cursor(SSCursor) as cursor:
        cursor.execute(statement)
        while True:
            count += sum(1 for _ in cursor) if cursor.description is not None else max(cursor.rowcount, 0)
            if not cursor.nextset():
                return count


def fetch_all(raw: MysqlConnection, statement: str, *parameters: Any) -> list[dict[str, Any]]:
    """Return all rows of a query."""
    with raw.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return list(cursor.fetchall())


def identifier(name: str) -> str:
    """Return a name quoted by backticks."""
    return "`" + name.replace("`", "``") + "`"


def verifier(password: str) -> str:
    """Return what mysql_native_password stores of a password, so that no statement contains the password itself."""
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()  # noqa: S324 - its protocol


# As many threads as blueprints are applied at the same time, including those of creations.
BLUEPRINT_EXECUTOR: Final = ThreadPoolExecutor(24, thread_name_prefix="mysql-application")
# For work that a client waits for, and that ends within half a minute.
QUERY_EXECUTOR: Final = ThreadPoolExecutor(32, thread_name_prefix="mysql-question")


async def run_in_executor(threads: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
    """Run blocking work in a thread and return its result."""
    return await asyncio.get_running_loop().run_in_executor(threads, work, *arguments)
