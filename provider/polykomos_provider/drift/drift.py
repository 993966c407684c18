"""Drift: changes that were made outside the engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

CHANGED = "changed"
GONE = "gone"


@dataclass(frozen=True)
class Change:
    """The change of one property."""

    name: str
    before: Any = None  # the value in the engine's state; None for an unset value and for a secret
    after: Any = None  # the value at the service; None for an unset value and for a secret
    secret: bool = False  # whether the property contains a secret


@dataclass(frozen=True)
class Drift:
    """The drift of one resource."""

    name: str
    type: str
    address: str  # the engine's address of the resource
    what: str  # CHANGED or GONE
    changes: tuple[Change, ...] = field(default=())


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], secrets: Iterable[str], more: Iterable[str] = ()
) -> tuple[Change, ...]:
    """Return the properties whose values differ, sorted by name.

    `more` are properties that differ according to the engine.
    """
    hidden = set(secrets)
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)} | set(more)
    return tuple(
        Change(name, secret=True) if name in hidden else Change(name, before.get(name), after.get(name))
        for name in sorted(names)
    )


def as_json(engine: str, drifts: Iterable[Drift]) -> str:
    """Return the report as JSON."""
    resources = [asdict(each) for each in drifts]
    return json.dumps({"engine": engine, "drifted": bool(resources), "resources": resources}, indent=2) + "\n"
