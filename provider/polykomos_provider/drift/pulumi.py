"""Drift from `pulumi refresh --preview-only --json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from polykomos_provider.drift.drift import CHANGED, GONE, Drift, changes

# Operations of a refresh for unchanged resources.
_SAME = ("same", "refresh", "read")
_SECRET = "[secret]"  # noqa: S105 - the engine's mask of a secret


def drifts(shown: Mapping[str, Any]) -> list[Drift]:
    """Return the resources that differ from the stack."""
    return [_drift(step) for step in shown.get("steps") or [] if step.get("op") not in _SAME]


def errors(shown: Mapping[str, Any]) -> list[str]:
    """Return the engine's error messages."""
    diagnostics = shown.get("diagnostics") or []
    return [str(each.get("message", "")).strip() for each in diagnostics if each.get("severity") == "error"]


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
    """Return the properties with a secret anywhere in them. The whole property is then hidden."""
    return {name for state in states for name, value in state.items() if _SECRET in json.dumps(value)}
