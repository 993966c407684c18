"""A Python without fcntl, pwd and grp, whose programs see no /proc, no /dev/shm and none of Linux's own calls.

Put this directory on PYTHONPATH. psutil sees the processes all the same, as it does on macOS and Windows, where it
uses other calls: BARE_PLATFORM_PROCESSES names a symbolic link to /proc. Programs in other languages are not changed.
Each program that runs so is noted in the file BARE_PLATFORM_LOG.
"""

import builtins
import io
import os
import sys
from collections.abc import Callable
from typing import Any

import psutil

psutil.PROCFS_PATH = os.environ["BARE_PLATFORM_PROCESSES"]
with open(os.environ["BARE_PLATFORM_LOG"], "a", encoding="utf-8") as _log:  # noqa: PTH123
    _log.write(" ".join(sys.orig_argv) + "\n")
_MODULES = ("fcntl", "pwd", "grp")
_PLACES = ("/proc", "/dev/shm")


class _Absent:
    """A finder that finds none of the modules."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        if name in _MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _without_places(call: Callable[..., Any]) -> Callable[..., Any]:
    def checked(path: Any = ".", *arguments: Any, **options: Any) -> Any:
        text = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
        if any(text == place or text.startswith(place + "/") for place in _PLACES):
            raise FileNotFoundError(2, "No such file or directory", text)
        return call(path, *arguments, **options)

    return checked


for _name in _MODULES:
    sys.modules.pop(_name, None)
sys.meta_path.insert(0, _Absent)  # type: ignore[arg-type]
for _module, _calls in {
    builtins: ("open",),
    io: ("open",),
    os: ("open", "stat", "lstat", "listdir", "scandir", "readlink", "access"),
}.items():
    for _call in _calls:
        setattr(_module, _call, _without_places(getattr(_module, _call)))
for _call in ("pidfd_open", "memfd_create"):
    if hasattr(os, _call):
        delattr(os, _call)
