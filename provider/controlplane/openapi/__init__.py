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


@functools.cache
def query_parameters(operation_id: str) -> frozenset[str]:
    """The names of an operation's query parameters."""
    whole = document()
    found = (
        operation
        for item in whole["paths"].values()
        for operation in item.values()
        if operation["operationId"] == operation_id
    )
    declared = [each for operation in found for each in operation.get("parameters", ())]
    resolved = [
        whole["components"]["parameters"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        for each in declared
    ]
    return frozenset(each["name"] for each in resolved if each["in"] == "query")


def document() -> dict[str, Any]:
    """The document, parsed."""
    parsed: dict[str, Any] = json.loads(raw())
    return parsed
