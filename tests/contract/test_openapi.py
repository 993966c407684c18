"""The document that is served: valid, the original's with a documented overlay, and what the code declares."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from controlplane import openapi, registry
from support.control_plane import ControlPlane
from support.openapi import ABSENT, ORIGINAL, merged, original, overlay


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: {**operation, "at": (method.upper(), path)}
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_the_openapi_document_is_served_and_valid(control_plane: ControlPlane) -> None:
    reply = httpx.get(f"{control_plane.origin}/openapi.json", trust_env=False)
    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == openapi.document()
    validate(reply.json())


@pytest.mark.facts("C12")
@pytest.mark.skipif(not ORIGINAL.exists(), reason=ABSENT)
def test_the_openapi_document_is_the_original_with_the_overlay() -> None:
    assert merged(original(), overlay()) == openapi.document()


@pytest.mark.facts("C15")
def test_the_openapi_document_lists_what_the_code_declares() -> None:
    documented = operations(openapi.document())
    declared = {operation.operation_id: operation for operation in registry.OPERATIONS}
    assert declared.keys() == documented.keys()
    for name, operation in declared.items():
        found = documented[name]
        assert found["at"] == (operation.method, f"/api/v1{operation.path}"), name
        assert found["x-required-scopes"] == list(operation.scopes), name
        assert ("#/components/parameters/IdempotencyKey" in json.dumps(found)) is operation.keyed, name
        assert ("requestBody" in found) is operation.has_body, name
