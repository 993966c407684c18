"""The directory of what a second clone on the same machine need not make again."""

from __future__ import annotations

import os
from pathlib import Path


def directory() -> Path:
    """Return `$POLYKOMOS_CACHE`, else `polykomos` in the user's cache directory."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("POLYKOMOS_CACHE") or Path(home) / "polykomos")
