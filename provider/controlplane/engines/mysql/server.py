"""The MariaDB server of this control plane: started when it is needed, at the first order or for databases there are.

Only the process whose data directory holds the server's files runs it (the host). Who has the store's files too is the
host; where the store is a server of its own, the first process to come with a directory that lasts is, from then on.
Others find its address in the store, and leave the jobs to the host.
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
_PATIENCE = 60.0  # seconds until it answers
_LOOK_EVERY = 1.0  # seconds
_log = logging.getLogger("controlplane.engines.mysql")


class MysqlServer:
    """home: where the server's files would be, None where this process cannot host it. owns_store: whether its
    directory holds the store's files too. absent: why there is no server if there was never a host. at_start: blocking,
    when it has started and before anything else. Use it inside of `opened`.
    """

    def __init__(
        self,
        pool: Pool,
        state: StateFile,
        home: ServerFiles | None,
        *,
        owns_store: bool = True,
        absent: str = MISSING,
        at_start: Callable[[ConnectionParams], None] = lambda _: None,
    ) -> None:
        self._at_start = at_start
        self._owns_store = owns_store
        self._absent = absent
        self._pool = pool
        self._state = state
        self._home = home
        self._running: ServerProcess | None = None
        self._has_answered = False
        self._starting = asyncio.Lock()
        # Where it was last known to be; has_host: whether the process that runs it lives.
        self._login: ConnectionParams | None = None
        self._has_host = False

    @property
    def is_local(self) -> bool:
        """Whether this process runs it."""
        return self._home is not None

    @property
    def is_running(self) -> bool:
        """Whether it runs and lets one in, as far as one can tell without asking it."""
        return self._has_answered and self._running is not None and self._running.alive

    @property
    def unavailable_reason(self) -> str | None:
        """Why there is none."""
        if self._login is None:
            return self._absent
        return None if self._has_host else NO_HOST

    @property
    def port(self) -> int:
        """Where it listens, or will."""
        return self._login.port if self._login else 3306

    @contextlib.asynccontextmanager
    async def lifespan(self, presence: ProcessLease) -> AsyncIterator[None]:
        """Known to the store; stopped at the end if it was started."""
        if self._home is not None and not await self._be_host(presence.number):
            self._home = None
        looking = None
        if self._home is not None:
            presence.on_acquired(self._be_host)
        else:
            await self._look_up()
            looking = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            if looking is not None:
                await worker_pool.cancel_and_wait([looking])
            if self._running is not None:
                await asyncio.to_thread(self._running.stop)

    async def _be_host(self, process_no: int) -> bool:
        """Tell the store so; False if another directory has the files."""
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

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            with contextlib.suppress(psycopg.Error, PoolTimeout):
                await self._look_up()

    async def _look_up(self) -> None:
        """Where the store says that it is: a host may come, go and come back."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT * FROM mysql_server")
            row = await cursor.fetchone()
            self._has_host = row is not None and await process_lease.is_alive(conn, row["process_no"])
        self._login = None if row is None else ConnectionParams(row["host"], row["port"], ADMIN, row["password"])

    async def ensure_running(self) -> ConnectionParams:
        """As the administrator, the server running. Raises EngineDown."""
        if self._home is not None and not self.is_running:
            async with self._starting:
                if not self.is_running:
                    await self._start(self._home)
        if self._login is None or not self._has_host:
            raise EngineUnavailableError("the MariaDB server of this control plane is not running")
        return self._login

    async def _start(self, home: ServerFiles) -> None:
        assert self._login is not None
        began = time.monotonic()
        try:
            await asyncio.to_thread(process.stop_stale_server, home)
            await asyncio.to_thread(process.init_data_dir, home)
            first = await self._first_statements(self._login)
            running = await asyncio.to_thread(process.start, home, self._login.port, first)
            self._running, self._has_answered = running, False
            await asyncio.to_thread(_await_ready, running, self._login, home)
            await asyncio.to_thread(self._at_start, self._login)
            self._has_answered = True
        except (OSError, MariadbStartError) as error:
            if self._running is not None:
                await asyncio.to_thread(self._running.stop)
            raise EngineUnavailableError(f"MariaDB could not be started: {error}") from None
        _log.info("MariaDB started", extra={"facts": {"seconds": round(time.monotonic() - began, 2)}})

    async def _first_statements(self, login: ConnectionParams) -> str:
        """One administrator, nobody else who came with the data directory, and no deleted tenant gets in again."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT db_username FROM databases"
                " WHERE db_type = 'mysql' AND deleted_at IS NOT NULL AND destroyed_at IS NULL"
            )
            deleted = [row["db_username"] for row in await cursor.fetchall()]
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


def _await_ready(running: ServerProcess, login: ConnectionParams, home: ServerFiles) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            login.open().close()
        except (Error, *SYSTEM_ERRORS):
            if not running.alive or time.monotonic() > deadline:
                tail = home.log.read_text(errors="replace")[-2000:].strip()
                raise MariadbStartError(f"it did not answer: {tail}") from None
            time.sleep(0.02)
        else:
            return
