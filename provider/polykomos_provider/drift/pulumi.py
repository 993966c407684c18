"""Drift from `pulumi refresh --preview-only --json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from polykomos_provider.drift.drift import CHANGED, GONE, Drift, changes

# What a refresh finds unchanged.
_SAME = ("same", "refresh", "read")
_SECRET = "[secret]"  # noqa: S105 - what the engine shows in a secret's place


def drifts(shown: Mapping[str, Any]) -> list[Drift]:
    """One for each resource that is not as the stack has it."""
    return [_drift(step) for step in shown.get("steps") or [] if step.get("op") not in _SAME]


def errors(shown: Mapping[str, Any]) -> list[str]:
    """What went wrong, in the engine's words."""
    found = shown.get("diagnostics") or []
    return [str(each.get("message", "")).strip() for each in found if each.get("severity") == "error"]


def _drift(step: Mapping[str, Any]) -> Drift:
    urn = str(step.get("urn", ""))
    old, new = step.get("oldState") or {}, step.get("newState")
    before, after = old.get("outputs") or {}, (new or {}).get("outputs") or {}
    named = {re.split(r"[.\[]", path, maxsplit=1)[0] for path in step.get("detailedDiff") or {}}
    return Drift(
        name=urn.rpartition("::")[2],
        type=str(old.get("type") or (new or {}).get("type") or ""),
        address=urn,
        what=GONE if step.get("op") == "delete" else CHANGED,
        changes=() if new is None else changes(before, after, _secrets(before, after), named),
    )


def _secrets(*states: Mapping[str, Any]) -> Iterable[str]:
    """Properties with a secret anywhere in them: more is hidden, never less."""
    return {name for state in states for name, value in state.items() if _SECRET in json.dumps(value)}
