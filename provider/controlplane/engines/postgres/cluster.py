"""An embedded PostgreSQL cluster in a directory."""

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

# Tenants may not use the last connections, so that the control plane can always reach its server. No statement goes to
# the log: it may contain a password.
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
# An ephemeral cluster need not survive a crash of the machine. It must survive a crash of a backend, which a tenant may
# cause: commits are written, but no transaction waits for the disk.
_EPHEMERAL = {"fsync": "off", "full_page_writes": "off"}

CopyCluster = Callable[[PostgresBinaries, OsUser, Path], str | None]
"""Copies a cluster to a path and returns its superuser's password; None if there is none to copy."""


class PostgresStartError(StartupError):
    """PostgreSQL could not be initialised or started. The message contains the end of its log."""


@contextlib.contextmanager
def embedded_server(
    directory: Path, state: StateFile, *, ephemeral: bool, copy: CopyCluster | None = None
) -> Iterator[Server]:
    """Run a server whose files are in `directory`, and stop it at the end of the context.

    Its port and the superuser's password stay the same over restarts, because connection strings contain the port.
    Enter the context in the main thread: the server ends with the thread that started it.

    Args:
        directory: The directory of the cluster; it is created if necessary.
        state: Port and password.
        ephemeral: Whether the directory is removed at the end.
        copy: Copies a cluster that was created before, if there is one.

    Raises:
        PostgresNotFoundError: There is no usable PostgreSQL.
        PostgresStartError: PostgreSQL could not be initialised or started.
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
    """Set the superuser's password in the form that makes our own connections cheap (see scram.py)."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as conn:
        row = conn.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (server.user,)).fetchone()
        is_cheap = row is not None and row[0].startswith("SCRAM-SHA-256$1:")
        if not is_cheap or server.password != password:
            cheap = sql.Literal(verifier(password, iterations=1))
            conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(server.user), cheap))


def _initialise(binaries: PostgresBinaries, account: OsUser, directory: Path, password: str) -> None:
    """Create the cluster beside its place and move it there, so that a partial one is never used."""
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
            initdb = subprocess.run(  # noqa: S603 - our own arguments
                [*command, "--pgdata", name],
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
                **arguments,
            )
    if initdb.returncode != 0:
        raise PostgresStartError(f"initdb failed: {initdb.stderr.strip() or initdb.stdout.strip()}")
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
            # Its own session: Ctrl-C in a terminal must reach this process only, which stops the server in order.
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
