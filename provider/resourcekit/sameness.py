"""Whether two plain values are the same to an API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def alike(left: Any, right: Any) -> bool:
    """Equal as JSON: to Python, true is 1 and false is 0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(alike(each, right[key]) for key, each in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(alike, left, right))
    return bool(left == right)
