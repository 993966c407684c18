"""The control plane's own OpenAPI document, served at /openapi.json (what it adds: docs/openapi-overlay.md)."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any


@functools.cache
def raw() -> bytes:
    """Return the document as it is served."""
    return resources.files(__name__).joinpath("openapi.json").read_bytes()


@functools.cache
def query_parameters(operation_id: str) -> frozenset[str]:
    """Return the names of an operation's query parameters."""
    parsed = document()
    operations = (
        operation
        for item in parsed["paths"].values()
        for operation in item.values()
        if operation["operationId"] == operation_id
    )
    declared = [parameter for operation in operations for parameter in operation.get("parameters", ())]
    resolved = [
        parsed["components"]["parameters"][item["$ref"].rpartition("/")[2]] if "$ref" in item else item
        for item in declared
    ]
    return frozenset(parameter["name"] for parameter in resolved if parameter["in"] == "query")


def document() -> dict[str, Any]:
    """Return the parsed document."""
    parsed: dict[str, Any] = json.loads(raw())
    return parsed
