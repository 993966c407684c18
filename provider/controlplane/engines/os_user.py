"""The operating-system account of the database servers. PostgreSQL refuses to run as root."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from controlplane.data_dir import EPHEMERAL_PREFIX
from controlplane.errors import StartupError

try:
    import pwd
except ImportError:  # not on Windows
    pwd = None  # type: ignore[assignment]

# The ids of `nobody` on Linux, for systems without a list of accounts.
_NOBODY: Final = (65534, 65534)
_OPEN_FILES: Final = Path("/proc/self/fd")
_ANYONE_MAY_PASS: Final = 0o001


class PopenArguments(TypedDict, total=False):
    """Arguments of subprocess.Popen for a child in another account."""

    user: int
    group: int
    extra_groups: list[int]
    pass_fds: tuple[int, ...]


@dataclass(frozen=True)
class OsUser:
    """The account to run a server as.

    Attributes:
        ids: The uid and gid to change to. None = the account of this process.
    """

    ids: tuple[int, int] | None

    @classmethod
    def choose(cls) -> OsUser:
        """Return `nobody` for root, otherwise the account of this process."""
        if not hasattr(os, "geteuid") or os.geteuid() != 0:
            return cls(None)
        if pwd is None:
            return cls(_NOBODY)
        try:
            entry = pwd.getpwnam("nobody")
        except KeyError:
            return cls(_NOBODY)
        return cls((entry.pw_uid, entry.pw_gid))

    def chown(self, path: Path) -> None:
        """Make the account the owner of a path."""
        if self.ids is not None:
            os.chown(path, *self.ids)

    @contextlib.contextmanager
    def open_directory(self, directory: Path) -> Iterator[tuple[str, PopenArguments]]:
        """Yield the path by which a child in this account can open a directory of its own, and how to start the child.

        `nobody` may not enter the directories above it (/root, pytest's temporary ones), so root opens the directory
        and the child inherits the descriptor. That needs /proc; without it, `nobody` must be able to enter.

        Raises:
            StartupError: There is no /proc, and `nobody` cannot enter.
        """
        if self.ids is None:
            yield str(directory), {}
            return
        if not _OPEN_FILES.is_dir():
            _check_passable(directory)
            yield str(directory), PopenArguments(user=self.ids[0], group=self.ids[1], extra_groups=[])
            return
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            account = PopenArguments(user=self.ids[0], group=self.ids[1], extra_groups=[], pass_fds=(fd,))
            yield f"{_OPEN_FILES}/{fd}", account
        finally:
            os.close(fd)


def _check_passable(directory: Path) -> None:
    """Let other accounts enter root's temporary directories above this one.

    Raises:
        StartupError: Another directory above this one cannot be entered.
    """
    for parent in directory.parents:
        mode = parent.stat().st_mode
        if mode & _ANYONE_MAY_PASS:
            continue
        if parent.name.startswith(EPHEMERAL_PREFIX) and parent.stat().st_uid == 0:
            parent.chmod(mode | _ANYONE_MAY_PASS)
            continue
        raise StartupError(
            f"PostgreSQL does not run as root, and the account `nobody` cannot enter {parent}. Run `polykomos dev` as "
            f"an ordinary user, or use a --data-dir that others may enter (chmod o+x on each directory above it)."
        )
