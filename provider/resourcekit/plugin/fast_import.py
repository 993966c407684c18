"""Make the import of the plugin's modules faster."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

TYPE_CHECKING = False  # importing `typing` takes as long as all of this
if TYPE_CHECKING:
    from typing import Any

_METADATA = "importlib.metadata"


@contextmanager
def bulk_import() -> Iterator[None]:
    """Import a large number of modules that stay loaded, within the block.

    The garbage collector is off within the block and ignores the imported objects afterwards, which saves a tenth of
    the time. Pydantic does not search all installed packages for plugins of its own.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if _METADATA not in sys.modules:
        # Set both, as a real import does. The placeholder loads the real module on the first use of an attribute.
        importlib.metadata = sys.modules[_METADATA] = _Metadata(_METADATA)
    gc.disable()
    try:
        yield
    finally:
        _remove_placeholder()
        gc.freeze()
        gc.enable()


class _Metadata(ModuleType):
    """A placeholder for `importlib.metadata`: pydantic imports one function of it and does not call it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "entry_points":
            return _entry_points
        _remove_placeholder()
        return getattr(importlib.import_module(_METADATA), name)


def _entry_points(**which: Any) -> Any:
    _remove_placeholder()
    return importlib.import_module(_METADATA).entry_points(**which)


def _remove_placeholder() -> None:
    """Let later imports of `importlib.metadata` load the real module."""
    if isinstance(sys.modules.get(_METADATA), _Metadata):
        del sys.modules[_METADATA]
