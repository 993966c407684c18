"""The operating-system account that PostgreSQL runs as: it refuses to run as root."""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict


class PopenArguments(TypedDict, total=False):
    """The arguments of subprocess.Popen for a child in another account."""

    user: int
    group: int
    extra_groups: list[int]
    pass_fds: tuple[int, ...]


@dataclass(frozen=True)
class Account:
    """uid and gid to drop to; None = stay who we are."""

    ids: tuple[int, int] | None

    @classmethod
    def choose(cls) -> Account:
        """`nobody` for root, else the caller."""
        if os.geteuid() != 0:
            return cls(None)
        entry = pwd.getpwnam("nobody")
        return cls((entry.pw_uid, entry.pw_gid))

    def give(self, path: Path) -> None:
        """Make the account the owner of a path."""
        if self.ids is not None:
            os.chown(path, *self.ids)

    @contextlib.contextmanager
    def reach(self, directory: Path) -> Iterator[tuple[str, PopenArguments]]:
        """How a child in this account names a directory of its own, and how to start the child.

        `nobody` may not pass what lies above the directory (/root, pytest's temporary ones), so root opens it and
        hands the child the open directory.
        """
        if self.ids is None:
            yield str(directory), {}
            return
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            account = PopenArguments(user=self.ids[0], group=self.ids[1], extra_groups=[], pass_fds=(fd,))
            yield f"/proc/self/fd/{fd}", account
        finally:
            os.close(fd)
