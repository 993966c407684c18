"""The MariaDB server of this control plane: started on first use, at the first order or for existing databases.

Only one process runs it, the host: the one whose data directory contains the server's files. With an embedded store
that is the process with the store's files. With an external store it is the first process that was started with a
persistent `--data-dir`, from then on. Other processes find the address in the store and leave the jobs to the host.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable

import psycopg
from psycopg_pool import PoolTimeout
from pymysql.err import Error

from controlplane import worker_pool
from controlplane.db import process_lease
from controlplane.db.pool import Pool
from controlplane.db.process_lease import ProcessLease
from controlplane.engines.base import EngineUnavailableError
from controlplane.engines.mysql import process
from controlplane.engines.mysql.binaries import MISSING, NO_HOST
from controlplane.engines.mysql.connection import SYSTEM_ERRORS, ConnectionParams, verifier
from controlplane.engines.mysql.process import MariadbStartError, ServerFiles, ServerProcess
from controlplane.engines.ports import HOST, free_port
from controlplane.state_file import StateFile

ADMIN = "polykomos"
_START_SECONDS = 60.0
_POLL_SECONDS = 1.0
_log = logging.getLogger("controlplane.engines.mysql")


class MysqlServer:
    """The MariaDB server, hosted by this process or by another one. Use it inside of `lifespan`.

    Args:
        pool: Connections to the store.
        state: Port and password of the server.
        files: The directory of the server. None = this process cannot host it.
        owns_store: Whether this process has the store's files too.
        unavailable_reason: The reason to report if there was never a host.
        on_start: Blocking; called once the server has started, before anything else.
    """

    def __init__(
        self,
        pool: Pool,
        state: StateFile,
        files: ServerFiles | None,
        *,
        owns_store: bool = True,
        unavailable_reason: str = MISSING,
        on_start: Callable[[ConnectionParams], None] = lambda _: None,
    ) -> None:
        self._on_start = on_start
        self._owns_store = owns_store
        self._no_host_reason = unavailable_reason
        self._pool = pool
        self._state = state
        self._files = files
        self._running: ServerProcess | None = None
        self._has_answered = False
        self._starting = asyncio.Lock()
        # The last known address, and whether the host is alive.
        self._login: ConnectionParams | None = None
        self._has_host = False

    @property
    def is_local(self) -> bool:
        """Return whether this process is the host."""
        return self._files is not None

    @property
    def is_running(self) -> bool:
        """Return whether the server runs and accepts connections, without a query to it."""
        return self._has_answered and self._running is not None and self._running.alive

    @property
    def unavailable_reason(self) -> str | None:
        """Return why there is no server, or None if there is one."""
        if self._login is None:
            return self._no_host_reason
        return None if self._has_host else NO_HOST

    @property
    def port(self) -> int:
        """Return the port that the server listens on, or will."""
        return self._login.port if self._login else 3306

    @contextlib.asynccontextmanager
    async def lifespan(self, lease: ProcessLease) -> AsyncIterator[None]:
        """Register with the store, and stop the server at the end if it was started."""
        if self._files is not None and not await self._become_host(lease.number):
            self._files = None
        poll = None
        if self._files is not None:
            lease.on_acquired(self._become_host)
        else:
            await self._read_address()
            poll = asyncio.create_task(self._poll_address())
        try:
            yield
        finally:
            if poll is not None:
                await worker_pool.cancel_and_wait([poll])
            if self._running is not None:
                await asyncio.to_thread(self._running.stop)

    async def _become_host(self, process_no: int) -> bool:
        """Register this process as the host.

        Returns:
            False if the files are in another directory.
        """
        if self._login is None:
            port = free_port(int(self._state.get_or_create("mariadb_port", lambda: "0")))
            password = self._state.get_or_create("mariadb_password", lambda: secrets.token_hex(24))
            self._login = ConnectionParams(HOST, port, ADMIN, password)
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "INSERT INTO mysql_server AS s (process_no, host, port, password, home)"
                " VALUES (%(no)s, %(host)s, %(port)s, %(pw)s, %(home)s) ON CONFLICT (only_row) DO UPDATE"
                " SET process_no = %(no)s, host = %(host)s, port = %(port)s, password = %(pw)s, home = %(home)s"
                " WHERE %(owns_store)s OR s.home = %(home)s",
                {
                    "no": process_no,
                    "host": HOST,
                    "port": self._login.port,
                    "pw": self._login.password,
                    "home": self._state.get_or_create("mariadb_home", lambda: secrets.token_hex(16)),
                    "owns_store": self._owns_store,
                },
            )
        self._has_host = bool(cursor.rowcount)
        if self._has_host:
            self._state.set("mariadb_port", str(self._login.port))
        return self._has_host

    async def _poll_address(self) -> None:
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            with contextlib.suppress(psycopg.Error, PoolTimeout):
                await self._read_address()

    async def _read_address(self) -> None:
        """Read the address from the store: the host may start, stop and come back."""
        async with self._pool.connection() as conn:
            row = await conn.fetch_one("SELECT * FROM mysql_server")
            self._has_host = row is not None and await process_lease.is_alive(conn, row["process_no"])
        self._login = None if row is None else ConnectionParams(row["host"], row["port"], ADMIN, row["password"])

    async def ensure_running(self) -> ConnectionParams:
        """Start the server if necessary and return the administrator's login.

        Raises:
            EngineUnavailableError: The server cannot be started, or its host is not running.
        """
        if self._files is not None and not self.is_running:
            async with self._starting:
                if not self.is_running:
                    await self._start(self._files)
        if self._login is None or not self._has_host:
            raise EngineUnavailableError("the MariaDB server of this control plane is not running")
        return self._login

    async def _start(self, files: ServerFiles) -> None:
        assert self._login is not None
        began = time.monotonic()
        try:
            await asyncio.to_thread(process.stop_stale_server, files)
            await asyncio.to_thread(process.init_data_dir, files)
            first = await self._first_statements(self._login)
            running = await asyncio.to_thread(process.start, files, self._login.port, first)
            self._running, self._has_answered = running, False
            await asyncio.to_thread(_await_ready, running, self._login, files)
            await asyncio.to_thread(self._on_start, self._login)
            self._has_answered = True
        except (OSError, MariadbStartError) as error:
            if self._running is not None:
                await asyncio.to_thread(self._running.stop)
            raise EngineUnavailableError(f"MariaDB could not be started: {error}") from None
        _log.info("MariaDB started", extra={"facts": {"seconds": round(time.monotonic() - began, 2)}})

    async def _first_statements(self, login: ConnectionParams) -> str:
        """Return SQL that creates the administrator, drops accounts of a new directory and locks deleted tenants."""
        async with self._pool.connection() as conn:
            deleted = await conn.fetch_column(
                "SELECT db_username FROM databases"
                " WHERE db_type = 'mysql' AND deleted_at IS NOT NULL AND destroyed_at IS NULL"
            )
        admin = f"'{ADMIN}'@'{HOST}'"
        statements = [
            f"CREATE USER IF NOT EXISTS {admin}",
            f"ALTER USER {admin} IDENTIFIED VIA mysql_native_password USING '{verifier(login.password)}'",
            f"GRANT ALL PRIVILEGES ON *.* TO {admin} WITH GRANT OPTION",
            "DELETE FROM mysql.global_priv WHERE User IN ('', 'root')",
            "DELETE FROM mysql.proxies_priv",
            "DELETE FROM mysql.db WHERE User = ''",
            "FLUSH PRIVILEGES",
            *(f"ALTER USER IF EXISTS '{user}'@'%' ACCOUNT LOCK" for user in deleted),
        ]
        return "".join(f"{statement};\n" for statement in statements)


def _await_ready(running: ServerProcess, login: ConnectionParams, files: ServerFiles) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            login.open().close()
        except (Error, *SYSTEM_ERRORS):
            if not running.alive or time.monotonic() > deadline:
                tail = files.log.read_text(errors="replace")[-2000:].strip()
                raise MariadbStartError(f"it did not answer: {tail}") from None
            time.sleep(0.02)
        else:
            return
