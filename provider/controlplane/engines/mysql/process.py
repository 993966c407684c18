"""The MariaDB server as a child process: made, started, ended; what a killed predecessor left behind.

MariaDB opens its files by their full path, and as `nobody` it may not pass what lies above our directory. So where we
are root, it is locked up in its directory (chroot), which also keeps whatever breaks into it from everything else.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from controlplane.engines import process
from controlplane.engines.mysql.binaries import MariadbBinaries
from controlplane.engines.os_user import OsUser
from controlplane.engines.ports import HOST
from controlplane.engines.process import ParentWatch
from controlplane.errors import StartupError

_PID_FILE = "mariadb.pid"
_PROGRAM = "mariadbd"

# What both making and running a data directory must be told, small enough for a laptop.
_FILES = (
    "--innodb-log-file-size=32M",
    "--innodb-data-file-path=ibdata1:4M:autoextend",
    "--innodb-temp-data-file-path=ibtmp1:2M:autoextend:max:1G",
    "--innodb-autoextend-increment=4",
    "--innodb-use-native-aio=0",
)
_CONFIGURATION = (
    *_FILES,
    f"--bind-address={HOST}",
    "--socket=",
    f"--pid-file={_PID_FILE}",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--local-infile=OFF",
    "--symbolic-links=OFF",
    "--event-scheduler=OFF",
    "--performance-schema=OFF",
    "--max-connections=1000",
    "--table-open-cache=1000",
    "--innodb-buffer-pool-size=64M",
    "--aria-pagecache-buffer-size=8M",
    "--key-buffer-size=1M",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_ci",
    "--default-time-zone=+00:00",
    "--log-warnings=1",
)
# A server that is thrown away at the end survives no crash of the machine, but its own.
_EPHEMERAL = ("--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=OFF", "--sync-frm=OFF")


class MariadbStartError(StartupError):
    """MariaDB could not be initialised or started; the message holds the end of its log."""


@dataclass(frozen=True)
class ServerFiles:
    """A server's directory: `data`, `tmp`, its log, and what it needs when it is locked up."""

    directory: Path
    binaries: MariadbBinaries
    ephemeral: bool

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "mariadb.log"


class ServerProcess:
    """A started server and the process that watches over its end."""

    def __init__(self, server: subprocess.Popen[bytes], watch: ParentWatch) -> None:
        self._server = server
        self._watch = watch

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._server.poll() is None

    def stop(self) -> None:
        """Shut down; harsher if it takes more than 10 s. Safe to call again."""
        process.stop_process(self._server, (signal.SIGTERM, signal.SIGKILL))
        self._watch.stop()


def init_data_dir(home: ServerFiles) -> None:
    """Make the data directory aside and move it to its place, so that a half-made one is never taken for whole."""
    if home.data.exists():
        return
    account = OsUser.choose()
    home.directory.mkdir(parents=True, exist_ok=True)
    home.directory.chmod(0o711)
    # Aside is where `nobody` can get to.
    fresh = Path(tempfile.mkdtemp(prefix="polykomos-mariadb-"))
    try:
        account.chown(fresh)
        command = [home.binaries.install, "--no-defaults", f"--datadir={fresh}", "--skip-test-db", *_FILES]
        command += ["--skip-name-resolve", "--auth-root-authentication-method=normal"]
        user, group = account.ids or (None, None)
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, cwd="/", capture_output=True, text=True, check=False, timeout=120,
            user=user, group=group, extra_groups=None if user is None else [],
        )  # fmt: skip
        if done.returncode != 0:
            raise MariadbStartError(f"mariadb-install-db failed: {(done.stderr or done.stdout).strip()[-2000:]}")
        _move(fresh, home.data, account)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _move(fresh: Path, place: Path, account: OsUser) -> None:
    """To its place, over file systems too; owners stay."""
    near = Path(tempfile.mkdtemp(prefix="data.new-", dir=place.parent))
    shutil.copytree(fresh, near, dirs_exist_ok=True)
    for path in (near, *near.rglob("*")):
        account.chown(path)
    near.chmod(0o700)
    near.rename(place)


def start(home: ServerFiles, port: int, first_statements: str) -> ServerProcess:
    """Start it; it answers a moment later. first_statements: SQL that runs before anyone is let in."""
    account = OsUser.choose()
    temporary = home.directory / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o700)
    account.chown(temporary)
    first = temporary / "first.sql"
    first.touch(mode=0o600)
    account.chown(first)
    first.write_text(first_statements)
    options = [f"--port={port}", *_CONFIGURATION, *(_EPHEMERAL if home.ephemeral else ())]
    if account.ids is not None:
        jail = home.directory
        (jail / "etc").mkdir(exist_ok=True)
        (jail / "etc" / "passwd").write_text(f"nobody:x:{account.ids[0]}:{account.ids[1]}::/:/\n")
        options += [f"--chroot={jail}", "--user=nobody", "--datadir=/data", "--tmpdir=/tmp"]
        options += ["--init-file=/tmp/first.sql"]
    else:
        options += [f"--datadir={home.data}", f"--tmpdir={temporary}", f"--init-file={first}"]
    watch = ParentWatch(_PROGRAM, signal.SIGTERM)
    with home.log.open("ab") as log:
        server = subprocess.Popen(  # noqa: S603 - our own arguments
            [home.binaries.server, "--no-defaults", *options],
            cwd=home.data,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    watch.begin(server.pid)
    return ServerProcess(server, watch)


def stop_stale_server(home: ServerFiles) -> None:
    """Wait for, then end, a server that a killed control plane left in this directory, whatever its pid file says."""
    process.end_leftover(lambda: process.find_in(home.data, _PROGRAM), (signal.SIGTERM, signal.SIGKILL))
