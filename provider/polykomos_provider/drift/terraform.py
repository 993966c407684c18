"""Drift from a plan of `-refresh-only`, in the output of `show -json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from polykomos_provider.drift.drift import CHANGED, GONE, Change, Drift, changes


def drifts(shown: Mapping[str, Any]) -> list[Drift]:
    """Return the resources that differ from the state, and the outputs that change with them."""
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
    secret = _contains_secret(change.get("before_sensitive")) or _contains_secret(change.get("after_sensitive"))
    value = Change("value", secret=True) if secret else Change("value", change.get("before"), change.get("after"))
    return Drift(f"output.{name}", "output", f"output.{name}", CHANGED, (value,))


def _secrets(change: Mapping[str, Any]) -> Iterable[str]:
    """Yield the attributes with a sensitive part anywhere in them. The whole attribute is then hidden."""
    for side in ("before_sensitive", "after_sensitive"):
        marks = change.get(side)
        if marks is True:
            yield from (*(change["before"] or {}), *(change["after"] or {}))
        elif isinstance(marks, Mapping):
            yield from (name for name, mark in marks.items() if _contains_secret(mark))


def _contains_secret(mark: Any) -> bool:
    if isinstance(mark, Mapping):
        return any(map(_contains_secret, mark.values()))
    return any(map(_contains_secret, mark)) if isinstance(mark, list) else bool(mark)
