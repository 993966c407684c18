"""Finding resources and data sources in documents: two public ones, and that of the reference control plane."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import pytest

from resourcekit.scaffold.crud import CrudResource, find_resources, remaining_operations
from resourcekit.scaffold.document import Document, read_document
from resourcekit.scaffold.names import camel_case, singular, snake_case

DOCUMENTS = Path(__file__).with_name("documents")


def polykomos() -> Document:
    path = importlib.resources.files("controlplane").joinpath("openapi", "openapi.json")
    with importlib.resources.as_file(path) as file:
        return read_document(file)


def found(document: Document) -> dict[str, CrudResource]:
    return {each.name: each for each in find_resources(document)}


def test_the_resources_of_polykomos() -> None:
    resources = found(polykomos())
    assert list(resources) == ["Database", "WebhookEndpoint", "Blueprint"]
    database, endpoint = resources["Database"], resources["WebhookEndpoint"]
    assert (database.id_property, database.envelope, database.waiting) == ("uuid", "data", ("provisioning",))
    assert database.update is not None and database.update.method == "PATCH"
    assert (endpoint.read, endpoint.update) == (None, None)
    assert endpoint.shape is not None and (endpoint.shape.paging, endpoint.shape.is_certain) == ("LastIdPaging", True)


def test_what_no_resource_uses_remains() -> None:
    document = polykomos()
    remaining = {each.id for each in remaining_operations(document, find_resources(document))}
    assert {"getMe", "updateDatabaseQuotas", "createQueryExecution", "listDatabases", "getDatabase"} <= remaining
    assert not {"createDatabase", "updateDatabase", "deleteDatabase"} & remaining


def test_the_resources_of_public_documents() -> None:
    store, museum = (found(read_document(DOCUMENTS / f"{name}.yaml")) for name in ("petstore", "museum"))
    assert list(store) == ["Pet", "Order", "User"]
    assert (store["Pet"].id_property, store["User"].id_property) == ("id", "username")
    assert store["User"].update is not None and store["User"].update.method == "PUT"
    event = museum["SpecialEvent"]
    assert (event.id_property, event.update and event.update.method) == ("eventId", "PATCH")
    assert event.shape is not None and (event.shape.paging, event.shape.arguments, event.shape.is_certain) == (
        "PageNumberPaging",
        'size="limit", limit=30',
        True,
    )


@pytest.mark.parametrize(
    ("name", "snake", "camel"),
    [
        ("petId", "pet_id", "PetId"),
        ("HTTPServer2", "http_server_2", "HttpServer2"),
        ("2fa-code", "n2_fa_code", "N2FaCode"),
        ("class", "class_", "Class"),
        ("count", "count_", "Count"),
        ("list", "list", "List"),
        ("exception", "exception", "Exception"),
    ],
)
def test_names(name: str, snake: str, camel: str) -> None:
    assert (snake_case(name), camel_case(name)) == (snake, camel if camel != "Exception" else "ExceptionObject")


@pytest.mark.parametrize(
    ("plural", "one"),
    [("policies", "policy"), ("classes", "class"), ("boxes", "box"), ("status", "status"), ("pets", "pet")],
)
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one
