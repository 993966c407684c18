"""One embedded PostgreSQL cluster in a directory."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from controlplane.db.server import Server
from controlplane.engines.os_user import OsUser
from controlplane.engines.ports import HOST, free_port
from controlplane.engines.postgres.binaries import PostgresBinaries, find_binaries
from controlplane.engines.postgres.process import die_with_parent, parent_watch, stop_stale_server
from controlplane.engines.postgres.scram import verifier
from controlplane.engines.process import stop_process
from controlplane.errors import StartupError
from controlplane.state_file import StateFile

SUPERUSER = "polykomos"
# Fast shutdown, immediate shutdown, and the end of a server that hangs.
_STOP_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)

# Tenants may not use the last connections, so that the control plane can always reach its server. Nothing of a
# statement goes to the log: it may hold a password.
_CONFIGURATION = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "400",
    "superuser_reserved_connections": "40",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "password_encryption": "scram-sha-256",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "logging_collector": "off",
    "timezone": "UTC",
}
# A cluster that is thrown away at the end survives no crash of the machine. It does survive one of a backend, which a
# tenant may bring about: commits are written, though nobody waits for the disk.
_EPHEMERAL = {"fsync": "off", "full_page_writes": "off"}


# Puts a cluster at a path and returns its superuser's password; None if there is none to copy.
CopyCluster = Callable[[PostgresBinaries, OsUser, Path], str | None]


class PostgresStartError(StartupError):
    """PostgreSQL could not be initialised or started; the message holds the end of its log."""


@contextlib.contextmanager
def embedded_server(
    directory: Path, state: StateFile, *, ephemeral: bool, copy: CopyCluster | None = None
) -> Iterator[Server]:
    """A running server whose files are in `directory`; stopped at the end of the context.

    copy: puts a cluster there that is made already, where it can.

    Its port and the superuser's password stay the same over restarts, because connection strings hold the port.
    Must be entered in the main thread: the server ends with the thread that started it.
    Raises NoPostgres or PostgresFailed.
    """
    account = OsUser.choose()
    directory.mkdir(parents=True, exist_ok=True)
    account.chown(directory)
    data = directory / "data"
    password = state.get_or_create("postgres_password", lambda: secrets.token_hex(24))
    copied_password = None
    if data.exists():
        binaries = find_binaries(int((data / "PG_VERSION").read_text()))
        stop_stale_server(data)
    else:
        binaries = find_binaries()
        copied_password = copy(binaries, account, data) if copy else None
        if copied_password is None:
            _initialise(binaries, account, directory, password)
    port = free_port(int(state.get_or_create("postgres_port", lambda: "0")))
    state.set("postgres_port", str(port))
    server = Server(host=HOST, port=port, user=SUPERUSER, password=password)
    log_path = directory / "postgres.log"
    settings = {**_CONFIGURATION, **(_EPHEMERAL if ephemeral else {}), "port": str(port)}
    watch = parent_watch()
    process = _start(binaries, account, data, settings, log_path)
    if watch is not None:
        watch.begin(process.pid)
    try:
        first = server if copied_password is None else dataclasses.replace(server, password=copied_password)
        _await_ready(process, first, log_path)
        _set_password(first, password)
        yield dataclasses.replace(server, has_ended=lambda: process.poll() is not None)
    finally:
        stop_process(process, _STOP_SIGNALS)
        if watch is not None:
            watch.stop()


def _set_password(server: Server, password: str) -> None:
    """Give the superuser its password, in the form that makes our own connections cheap (see scram.py)."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as conn:
        found = conn.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (server.user,)).fetchone()
        is_light = found is not None and found[0].startswith("SCRAM-SHA-256$1:")
        if not is_light or server.password != password:
            light = sql.Literal(verifier(password, iterations=1))
            conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(server.user), light))


def _initialise(binaries: PostgresBinaries, account: OsUser, directory: Path, password: str) -> None:
    """Make the cluster beside its place and move it there, so that a half-made one is never taken for whole."""
    fresh = directory / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    account.chown(fresh)
    with tempfile.NamedTemporaryFile("w") as password_file:
        password_file.write(password)
        password_file.flush()
        account.chown(Path(password_file.name))
        command = [binaries.path("initdb"), "--username", SUPERUSER, "--pwfile", password_file.name]
        command += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"]
        command += ["--no-sync", "--no-instructions"]
        with account.open_directory(fresh) as (name, arguments):
            done = subprocess.run(  # noqa: S603 - our own arguments
                [*command, "--pgdata", name],
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
                **arguments,
            )
    if done.returncode != 0:
        raise PostgresStartError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    fresh.rename(directory / "data")


def _start(
    binaries: PostgresBinaries, account: OsUser, data: Path, settings: dict[str, str], log_path: Path
) -> subprocess.Popen[bytes]:
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with log_path.open("ab") as log, account.open_directory(data) as (name, arguments):
        return subprocess.Popen(  # noqa: S603 - our own arguments
            [binaries.path("postgres"), "-D", name, *options],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Its own session: Ctrl-C in a terminal must reach us alone, we stop it in our own order.
            start_new_session=True,
            preexec_fn=die_with_parent,
            **arguments,
        )


def _await_ready(process: subprocess.Popen[bytes], server: Server, log_path: Path, patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            psycopg.connect(server.conninfo("postgres")).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                tail = log_path.read_text(errors="replace")[-2000:].strip()
                raise PostgresStartError(f"PostgreSQL did not start: {tail}") from None
            time.sleep(0.02)
        else:
            return
