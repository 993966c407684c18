"""grpc without its asyncio half, which nothing here uses and which takes half of the time of the import.

The plugins import grpc from here. It is apart from `fast_import`, because a process that hands its work to a zygote
never imports grpc.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__all__ = ["grpc"]


class _LazyModule(ModuleType):
    """A placeholder for a module, which loads the real one on the first use of an attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


if "grpc" in sys.modules:
    import grpc
else:
    placeholders = {name: _LazyModule(name) for name in ("asyncio", "grpc.aio") if name not in sys.modules}
    sys.modules |= placeholders
    try:
        import grpc
    finally:
        # The placeholders are for grpc only: later imports load the real modules.
        for name, module in placeholders.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
