"""Drift from a plan of `-refresh-only`, as `show -json` tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from polykomos_provider.drift.drift import CHANGED, GONE, Change, Drift, changes


def drifts(shown: Mapping[str, Any]) -> list[Drift]:
    """One for each resource that is not as the state has it, and for each output that follows one."""
    resources = [_drift(each) for each in shown.get("resource_drift") or []]
    outputs = (shown.get("output_changes") or {}).items()
    return resources + [_output(name, change) for name, change in outputs if change.get("actions") != ["no-op"]]


def _drift(each: Mapping[str, Any]) -> Drift:
    change = each["change"]
    gone = change["actions"] == ["delete"]
    return Drift(
        name=each["address"],
        type=each["type"],
        address=each["address"],
        what=GONE if gone else CHANGED,
        changes=() if gone else changes(change["before"] or {}, change["after"] or {}, _secrets(change)),
    )


def _output(name: str, change: Mapping[str, Any]) -> Drift:
    secret = _holds_secret(change.get("before_sensitive")) or _holds_secret(change.get("after_sensitive"))
    value = Change("value", secret=True) if secret else Change("value", change.get("before"), change.get("after"))
    return Drift(f"output.{name}", "output", f"output.{name}", CHANGED, (value,))


def _secrets(change: Mapping[str, Any]) -> Iterable[str]:
    """Attributes with a sensitive part anywhere in them: more is hidden, never less."""
    for side in ("before_sensitive", "after_sensitive"):
        marks = change.get(side)
        if marks is True:
            yield from (*(change["before"] or {}), *(change["after"] or {}))
        elif isinstance(marks, Mapping):
            yield from (name for name, mark in marks.items() if _holds_secret(mark))


def _holds_secret(mark: Any) -> bool:
    if isinstance(mark, Mapping):
        return any(map(_holds_secret, mark.values()))
    return any(map(_holds_secret, mark)) if isinstance(mark, list) else bool(mark)
