"""The MariaDB server as a child process: its data directory, its start, its end, and leftovers of killed processes.

MariaDB opens its files by their full path, and as `nobody` it may not enter the directories above ours. If this process
is root, MariaDB therefore runs in a chroot of its directory. That also separates an intruder from everything else.
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

# Options for both creating and running a data directory, small enough for a laptop.
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
# An ephemeral server need not survive a crash of the machine, but it must survive a crash of its own.
_EPHEMERAL = ("--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=OFF", "--sync-frm=OFF")


class MariadbStartError(StartupError):
    """MariaDB could not be initialised or started. The message contains the end of its log."""


@dataclass(frozen=True)
class ServerFiles:
    """The directory of a server: `data`, `tmp`, its log, and the files of its chroot."""

    directory: Path
    binaries: MariadbBinaries
    ephemeral: bool  # whether the directory is removed at the end

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """Return the path of the log."""
        return self.directory / "mariadb.log"


class ServerProcess:
    """A running server, and the process that ends it if this one dies."""

    def __init__(self, server: subprocess.Popen[bytes], watch: ParentWatch) -> None:
        self._server = server
        self._watch = watch

    @property
    def alive(self) -> bool:
        """Return whether the server still runs."""
        return self._server.poll() is None

    def stop(self) -> None:
        """Shut down, by SIGKILL if it takes more than 10 seconds. Repeatable."""
        process.stop_process(self._server, (signal.SIGTERM, signal.SIGKILL))
        self._watch.stop()


def init_data_dir(files: ServerFiles) -> None:
    """Create the data directory elsewhere and move it to its place, so that a partial one is never used."""
    if files.data.exists():
        return
    account = OsUser.choose()
    files.directory.mkdir(parents=True, exist_ok=True)
    files.directory.chmod(0o711)
    # The temporary directory is one that `nobody` can enter.
    fresh = Path(tempfile.mkdtemp(prefix="polykomos-mariadb-"))
    try:
        account.chown(fresh)
        command = [files.binaries.install, "--no-defaults", f"--datadir={fresh}", "--skip-test-db", *_FILES]
        command += ["--skip-name-resolve", "--auth-root-authentication-method=normal"]
        user, group = account.ids or (None, None)
        install = subprocess.run(  # noqa: S603 - our own arguments
            command, cwd="/", capture_output=True, text=True, check=False, timeout=120,
            user=user, group=group, extra_groups=None if user is None else [],
        )  # fmt: skip
        if install.returncode != 0:
            raise MariadbStartError(f"mariadb-install-db failed: {(install.stderr or install.stdout).strip()[-2000:]}")
        _move(fresh, files.data, account)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _move(fresh: Path, place: Path, account: OsUser) -> None:
    """Move a directory to its place, over file systems too, and set the owner of its files."""
    near = Path(tempfile.mkdtemp(prefix="data.new-", dir=place.parent))
    shutil.copytree(fresh, near, dirs_exist_ok=True)
    for path in (near, *near.rglob("*")):
        account.chown(path)
    near.chmod(0o700)
    near.rename(place)


def start(files: ServerFiles, port: int, first_statements: str) -> ServerProcess:
    """Start the server. It accepts connections a moment later. `first_statements` run before anyone can connect."""
    account = OsUser.choose()
    temporary = files.directory / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o700)
    account.chown(temporary)
    first = temporary / "first.sql"
    first.touch(mode=0o600)
    account.chown(first)
    first.write_text(first_statements)
    options = [f"--port={port}", *_CONFIGURATION, *(_EPHEMERAL if files.ephemeral else ())]
    if account.ids is not None:
        jail = files.directory
        (jail / "etc").mkdir(exist_ok=True)
        (jail / "etc" / "passwd").write_text(f"nobody:x:{account.ids[0]}:{account.ids[1]}::/:/\n")
        options += [f"--chroot={jail}", "--user=nobody", "--datadir=/data", "--tmpdir=/tmp"]
        options += ["--init-file=/tmp/first.sql"]
    else:
        options += [f"--datadir={files.data}", f"--tmpdir={temporary}", f"--init-file={first}"]
    watch = ParentWatch(_PROGRAM, signal.SIGTERM)
    with files.log.open("ab") as log:
        server = subprocess.Popen(  # noqa: S603 - our own arguments
            [files.binaries.server, "--no-defaults", *options],
            cwd=files.data,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    watch.begin(server.pid)
    return ServerProcess(server, watch)


def stop_stale_server(files: ServerFiles) -> None:
    """Wait for a server that a killed control plane left in this directory, then end it, whatever its pid file says."""
    process.stop_stale_process(lambda: process.find_in(files.data, _PROGRAM), (signal.SIGTERM, signal.SIGKILL))
