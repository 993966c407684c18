"""Lazy import of httpx, when the first client is created.

Importing httpx takes a third of this package's import time, and engines start a plugin several times per command only
to read its schema.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.abc import Loader
from types import ModuleType
from typing import Any

# httpx's command line. With the packages that it imports, if they are installed, it takes a third of httpx's time.
_PROGRAM = "httpx._main"


def lazy_import(name: str) -> ModuleType:
    """Return a module whose code runs when one of its names is first used (the standard library's LazyLoader)."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = importlib.util.LazyLoader(_WithoutProgram(spec.loader))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class _WithoutProgram(Loader):
    """Runs a module's code as if httpx's command line could not be imported, which httpx allows for."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment] # None refuses an import
        modules.setdefault(_PROGRAM, None)
        try:
            self._loader.exec_module(module)
        finally:
            if modules.get(_PROGRAM) is None:
                modules.pop(_PROGRAM, None)
