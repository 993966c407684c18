"""How far an application of a blueprint is, by its status."""

from __future__ import annotations

from typing import Final

RUNNING: Final = frozenset({"pending", "running"})
ENDED: Final = frozenset({"completed", "failed", "rolled_back"})
