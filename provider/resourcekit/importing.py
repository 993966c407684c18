"""Importing much in little time."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def much_imported() -> Iterator[None]:
    """What is imported within stays: garbage is not looked for in it, now or later, which is a tenth of the time.

    Nor does pydantic look for extensions of its own among all the packages that are installed.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
