"""The MariaDB server of this control plane: started when it is needed, at the first order or for databases there are.

Only the process whose data directory holds the server's files runs it (the host). Others that share the store find its
address there, and leave the jobs to the host.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable

from pymysql.err import Error

from controlplane.engines import EngineDown
from controlplane.mysql import process
from controlplane.mysql.binaries import MISSING
from controlplane.mysql.process import HOST, Home, MariadbFailed, Running
from controlplane.mysql.sessions import SYSTEM_ERRORS, Login, verifier
from controlplane.postgres.cluster import free_port
from controlplane.state_file import StateFile
from controlplane.store import liveness
from controlplane.store.pool import Pool
from controlplane.store.presence import Presence

ADMIN = "polykomos"
_PATIENCE = 60.0  # seconds until it answers
_log = logging.getLogger("controlplane.mysql")


class MysqlServer:
    """home: the server's files, None where this process does not host it. at_start: blocking, when it has started and
    before anything else. Use it inside of `opened`.
    """

    def __init__(
        self, pool: Pool, state: StateFile, home: Home | None, at_start: Callable[[Login], None] = lambda _: None
    ) -> None:
        self._at_start = at_start
        self._pool = pool
        self._state = state
        self._home = home
        self._running: Running | None = None
        self._has_answered = False
        self._starting = asyncio.Lock()
        self._login: Login | None = None

    @property
    def is_hosted(self) -> bool:
        """Whether this process runs it."""
        return self._home is not None

    @property
    def is_up(self) -> bool:
        """Whether it runs and lets one in, as far as one can tell without asking it."""
        return self._has_answered and self._running is not None and self._running.alive

    @property
    def missing(self) -> str | None:
        """Why there is none."""
        return MISSING if self._login is None else None

    @property
    def port(self) -> int:
        """Where it listens, or will."""
        return self._login.port if self._login else 3306

    @contextlib.asynccontextmanager
    async def opened(self, presence: Presence) -> AsyncIterator[None]:
        """Known to the store; stopped at the end if it was started."""
        if self._home is not None:
            self._login = Login(
                HOST,
                free_port(int(self._state.get_or_make("mariadb_port", lambda: "0"))),
                ADMIN,
                self._state.get_or_make("mariadb_password", lambda: secrets.token_hex(24)),
            )
            await self._tell_store(presence.number)
            presence.on_taken(self._tell_store)
        else:
            await self.look_up()
        try:
            yield
        finally:
            if self._running is not None:
                await asyncio.to_thread(self._running.stop)

    async def _tell_store(self, process_no: int) -> None:
        assert self._login is not None
        self._state.put("mariadb_port", str(self._login.port))
        async with self._pool.connection() as conn:
            await conn.execute(
                "INSERT INTO mysql_server (process_no, host, port, password)"
                " VALUES (%(no)s, %(host)s, %(port)s, %(pw)s) ON CONFLICT (only_row) DO UPDATE"
                " SET process_no = %(no)s, host = %(host)s, port = %(port)s,"
                " password = %(pw)s",
                {"no": process_no, "host": HOST, "port": self._login.port, "pw": self._login.password},
            )

    async def look_up(self) -> None:
        """Where the store says that a living host has it."""
        if self._home is not None:
            return
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT * FROM mysql_server")
            row = await cursor.fetchone()
            known = row is not None and await liveness.is_alive(conn, row["process_no"])
        self._login = Login(row["host"], row["port"], ADMIN, row["password"]) if row and known else None

    async def login(self) -> Login:
        """As the administrator, the server running. Raises EngineDown."""
        if self._home is not None and not self.is_up:
            async with self._starting:
                if not self.is_up:
                    await self._start(self._home)
        if self._login is None:
            raise EngineDown("the MariaDB server of this control plane is not running")
        return self._login

    async def _start(self, home: Home) -> None:
        assert self._login is not None
        began = time.monotonic()
        try:
            await asyncio.to_thread(process.end_leftover, home)
            await asyncio.to_thread(process.initialise, home)
            first = await self._first_statements(self._login)
            running = await asyncio.to_thread(process.start, home, self._login.port, first)
            self._running, self._has_answered = running, False
            await asyncio.to_thread(_await_ready, running, self._login, home)
            await asyncio.to_thread(self._at_start, self._login)
            self._has_answered = True
        except (OSError, MariadbFailed) as error:
            if self._running is not None:
                await asyncio.to_thread(self._running.stop)
            raise EngineDown(f"MariaDB could not be started: {error}") from None
        _log.info("MariaDB started", extra={"facts": {"seconds": round(time.monotonic() - began, 2)}})

    async def _first_statements(self, login: Login) -> str:
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


def _await_ready(running: Running, login: Login, home: Home) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            login.open().close()
        except (Error, *SYSTEM_ERRORS):
            if not running.alive or time.monotonic() > deadline:
                tail = home.log.read_text(errors="replace")[-2000:].strip()
                raise MariadbFailed(f"it did not answer: {tail}") from None
            time.sleep(0.02)
        else:
            return
