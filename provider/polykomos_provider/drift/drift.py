"""What has changed behind an engine's back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

CHANGED = "changed"
GONE = "gone"


@dataclass(frozen=True)
class Change:
    """One property. before, after: what the engine knew and what is there; None for a secret, as for what is unset."""

    name: str
    before: Any = None
    after: Any = None
    secret: bool = False


@dataclass(frozen=True)
class Drift:
    """One resource. address: the engine's own for it. what: CHANGED or GONE."""

    name: str
    type: str
    address: str
    what: str
    changes: tuple[Change, ...] = field(default=())


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], secrets: Iterable[str], more: Iterable[str] = ()
) -> tuple[Change, ...]:
    """The properties whose values differ, by name. more: those of which the engine says so."""
    hidden = set(secrets)
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)} | set(more)
    return tuple(
        Change(name, secret=True) if name in hidden else Change(name, before.get(name), after.get(name))
        for name in sorted(names)
    )


def as_json(engine: str, found: Iterable[Drift]) -> str:
    """The report for programs."""
    resources = [asdict(each) for each in found]
    return json.dumps({"engine": engine, "drifted": bool(resources), "resources": resources}, indent=2) + "\n"
