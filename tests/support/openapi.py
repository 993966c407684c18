"""The service's own OpenAPI document, where it is beside this checkout, and our overlay on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ORIGINAL = ROOT.parent / "shared" / "seeds" / "001-polykomos-openapi.json"
ABSENT = "the service's original document is not beside this checkout"


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def original() -> dict[str, Any]:
    return json.loads(ORIGINAL.read_text())


def overlay() -> dict[str, Any]:
    return json.loads((ROOT / "tests" / "contract" / "overlay.json").read_text())
