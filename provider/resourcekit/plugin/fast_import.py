"""Importing much in little time."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

TYPE_CHECKING = False  # importing `typing` takes as long as all of this
if TYPE_CHECKING:
    from typing import Any

_METADATA = "importlib.metadata"


@contextmanager
def bulk_import() -> Iterator[None]:
    """What is imported within stays: garbage is not looked for in it, now or later, which is a tenth of the time.

    Nor does pydantic look for extensions of its own in all packages that are installed, nor import what that needs.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if _METADATA not in sys.modules:
        # As a real import would; whoever looks there finds what stands in, which passes it on, until there is one.
        importlib.metadata = sys.modules[_METADATA] = _Metadata(_METADATA)
    gc.disable()
    try:
        yield
    finally:
        _give_up_standing_in()
        gc.freeze()
        gc.enable()


class _Metadata(ModuleType):
    """Stands for `importlib.metadata`, of which pydantic imports one function that it then has no use for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "entry_points":
            return _entry_points
        _give_up_standing_in()
        return getattr(importlib.import_module(_METADATA), name)


def _entry_points(**which: Any) -> Any:
    _give_up_standing_in()
    return importlib.import_module(_METADATA).entry_points(**which)


def _give_up_standing_in() -> None:
    """Whoever imports the module from now on gets it."""
    if isinstance(sys.modules.get(_METADATA), _Metadata):
        del sys.modules[_METADATA]


__all__ = ["grpc"]


class _Later(ModuleType):
    """Stands for a module that is imported by the first who asks for something in it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


if "grpc" in sys.modules:
    import grpc
else:
    standing_in = {name: _Later(name) for name in ("asyncio", "grpc.aio") if name not in sys.modules}
    sys.modules |= standing_in
    try:
        import grpc
    finally:
        # For grpc alone: whoever imports them from now on gets them.
        for name, module in standing_in.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
