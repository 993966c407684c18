"""grpc without its asyncio half: nothing here uses that, and it is half of the time that the import takes.

The plugins import grpc from here. Engines start them several times a command and wait for their first line.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

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
