"""The control plane's own OpenAPI document, served at /openapi.json (what it adds: docs/openapi-overlay.md)."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any


@functools.cache
def raw() -> bytes:
    """The document as it is served."""
    return resources.files(__name__).joinpath("openapi.json").read_bytes()


def document() -> dict[str, Any]:
    """The document, parsed."""
    parsed: dict[str, Any] = json.loads(raw())
    return parsed
