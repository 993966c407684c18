"""Talking to MariaDB: PyMySQL's blocking connections, in threads."""

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
    """Where and as whom."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    read_timeout: float | None = 60.0

    def open(self, database: str | None = None) -> MysqlConnection:
        """A blocking autocommit connection; the caller closes it. Raises pymysql.err.OperationalError."""
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
        """The same, closed at the end."""
        raw = self.open(database)
        try:
            yield raw
        finally:
            with contextlib.suppress(pymysql.err.Error):
                raw.close()

    def run(self, work: Callable[[MysqlConnection], T], database: str | None = None) -> T:
        """`work` with a connection of its own. Blocking."""
        with self.opened(database) as raw:
            return work(raw)


class Watchdog:
    """Ends a session from outside when its time is over, whatever its SQL has set or catches. Use it inside of `with`.

    is_over: whether it did.
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
        """From now on; takes the place of what was said before."""
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
    """Statements without parameters, one after the other."""
    with raw.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def affected_rows(raw: MysqlConnection, statement: str) -> int:
    """The rows that a statement changed or answered with. They are passed by, not kept: there may be any number."""
    count = 0
    with raw.cursor(SSCursor) as cursor:
        cursor.execute(statement)
        while True:
            count += sum(1 for _ in cursor) if cursor.description is not None else max(cursor.rowcount, 0)
            if not cursor.nextset():
                return count


def fetch_all(raw: MysqlConnection, statement: str, *parameters: Any) -> list[dict[str, Any]]:
    """All rows of a query."""
    with raw.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return list(cursor.fetchall())


def identifier(name: str) -> str:
    """Quoted by backticks."""
    return "`" + name.replace("`", "``") + "`"


def verifier(password: str) -> str:
    """What mysql_native_password keeps of a password, so that no statement carries the secret itself."""
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()  # noqa: S324 - its protocol


# As many as are applied at the same time, those of creations included.
BLUEPRINT_EXECUTOR: Final = ThreadPoolExecutor(24, thread_name_prefix="mysql-application")
# For what somebody waits for, and is over in half a minute.
QUERY_EXECUTOR: Final = ThreadPoolExecutor(32, thread_name_prefix="mysql-question")


async def run_in_executor(threads: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
    """The result of blocking work."""
    return await asyncio.get_running_loop().run_in_executor(threads, work, *arguments)
