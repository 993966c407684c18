"""Reading OpenAPI documents: references, merged schemas, and documents that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resourcekit.scaffold.document import Document, DocumentError, read_document

ITEM = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


def document(schemas: dict[str, Any], paths: dict[str, Any] | None = None) -> Document:
    return Document({"openapi": "3.0.3", "paths": paths or {}, "components": {"schemas": schemas}})


def test_references_and_all_of_are_resolved() -> None:
    read = document(
        {
            "Item": ITEM,
            "Alias": {"$ref": "#/components/schemas/Item"},
            "Named": {"allOf": [{"$ref": "#/components/schemas/Alias"}, {"properties": {"name": {"type": "string"}}}]},
        }
    )
    merged = read.resolve({"$ref": "#/components/schemas/Named"})
    assert list(merged["properties"]) == ["id", "name"]
    assert merged["required"] == ["id"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("#/components/schemas/Gone", "leads to nothing"),
        ("other.yaml#/Item", "leads to another file: bundle the document into one first"),
        ("#/components/schemas/Loop", "leads to itself"),
    ],
)
def test_a_reference_that_cannot_be_resolved_is_named(reference: str, message: str) -> None:
    read = document({"Loop": {"$ref": "#/components/schemas/Loop"}})
    with pytest.raises(DocumentError, match=message) as raised:
        read.resolve({"$ref": reference})
    assert reference in str(raised.value)


def test_operations_have_the_parameters_of_their_path_and_no_deprecated_one_is_read() -> None:
    read = document(
        {"Item": ITEM},
        {
            "/items/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": {
                    "responses": {
                        "404": {"description": "none"},
                        "200": {
                            "content": {
                                "application/vnd.api+json": {"schema": {"$ref": "#/components/schemas/Item"}},
                                "text/plain": {},
                            }
                        },
                    }
                },
                "delete": {"deprecated": True, "responses": {}},
            }
        },
    )
    (operation,) = read.operations()
    assert (operation.id, operation.path_parameters, operation.response_name) == ("get_items_id", ("id",), "Item")
    assert operation.response == ITEM


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "is not valid JSON"),
        ("a.yaml", "a: [", "is not valid YAML"),
        ("a.json", json.dumps({"swagger": "2.0"}), "has no `openapi` field. Convert a Swagger 2 document first"),
        ("a.yaml", "openapi: 2.0.0", "says `openapi: 2.0.0`"),
        ("a.yaml", "- 1", "is not an OpenAPI 3 document"),
    ],
)
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DocumentError, match=message.replace(".", r"\.")):
        read_document(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"cannot read .*gone\.yaml: No such file or directory$"):
        read_document(tmp_path / "gone.yaml")
