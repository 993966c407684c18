"""Find the resources and the data sources in the operations of a document. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from resourcekit.scaffold.document import Document, Operation, Schema
from resourcekit.scaffold.lists import ListShape, list_shape
from resourcekit.scaffold.names import camel_case, singular, snake_case

# Fields that identify an object, after one that is called like the parameter of its path.
ID_FIELDS: Final = ("id", "uuid", "slug", "key", "name")
_WAITING_WORDS: Final = frozenset(
    {"pending", "provisioning", "creating", "starting", "building", "processing", "deleting", "initializing"}
)


@dataclass(frozen=True)
class CrudResource:
    """The operations of one type of object.

    Attributes:
        name: The class name, such as "Pet".
        collection: The path of the POST.
        create: Creates an object.
        read: Reads one by its id, if the document has such a call.
        update: Changes one: the PATCH, else the PUT.
        delete: Deletes one.
        list: Lists them.
        shape: How the list holds its items.
        envelope: The property of a response that holds the object; empty if the response is the object.
        object: The schema of the object in the response of the create.
        id_property: The property that identifies the object, on the wire; empty if there is none.
        waiting: The values of `status` or `state` that pass.
    """

    name: str
    collection: str
    create: Operation
    read: Operation | None
    update: Operation | None
    delete: Operation | None
    list: Operation | None
    shape: ListShape | None
    envelope: str
    object: Schema
    id_property: str
    waiting: tuple[str, ...]

    @property
    def parents(self) -> tuple[str, ...]:
        """The parameters of the collection's path: the objects that contain this one."""
        return self.create.path_parameters

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations that the resource uses."""
        every = (self.create, self.read, self.update, self.delete, self.list)
        return tuple(operation for operation in every if operation is not None)


def find_resources(document: Document) -> list[CrudResource]:
    """Return the resources: the collections with a POST whose objects can be read, changed or deleted by their id."""
    operations = {(each.method, each.path): each for each in document.operations()}
    found = [
        _resource(document, create, item, operations)
        for (method, _), create in operations.items()
        if method == "POST"
        if (item := _item_path(create.path, operations)) is not None
    ]
    return _with_unique_names(found)


def _item_path(collection: str, operations: Iterable[tuple[str, str]]) -> str | None:
    """Return the path of one object of a collection, or None."""
    prefix = f"{collection.rstrip('/')}/{{"
    for method, path in operations:
        if method != "POST" and path.startswith(prefix) and "/" not in path.rstrip("/")[len(prefix) :]:
            return path
    return None


def _resource(
    document: Document, create: Operation, item: str, operations: Mapping[tuple[str, str], Operation]
) -> CrudResource:
    read, listing = operations.get(("GET", item)), operations.get(("GET", create.path))
    described = next((each for each in (create, read) if each is not None and each.response), None)
    parameter = item.rstrip("/").rpartition("{")[2].rstrip("}")
    envelope, schema = _unwrap(document, described.response if described and described.response else {}, parameter)
    segment = [part for part in create.path.split("/") if part and not part.startswith("{")][-1]
    return CrudResource(
        name=camel_case(singular(segment)),
        collection=create.path,
        create=create,
        read=read,
        update=operations.get(("PATCH", item)) or operations.get(("PUT", item)),
        delete=operations.get(("DELETE", item)),
        list=listing,
        shape=list_shape(document, listing) if listing is not None else None,
        envelope=envelope,
        object=schema,
        id_property=_id_property(schema, parameter),
        waiting=_waiting(document, schema),
    )


def _unwrap(document: Document, response: Schema, parameter: str) -> tuple[str, Schema]:
    """Return the property that holds the object, and the object's schema. Empty: the response is the object."""
    properties: Mapping[str, Schema] = response.get("properties") or {}
    if _id_property(response, parameter):
        return "", response
    inner = {name: document.resolve(each) for name, each in properties.items()}
    holding = [name for name, each in inner.items() if each.get("properties") and _id_property(each, parameter)]
    return (holding[0], inner[holding[0]]) if len(holding) == 1 else ("", response)


def unwrap(document: Document, response: Schema) -> tuple[str, Schema]:
    """Return the property that holds a response's object, and its schema. Empty: the response is the object."""
    properties: Mapping[str, Schema] = response.get("properties") or {}
    for key in ("data", "result"):
        if key in properties and (inner := document.resolve(properties[key])).get("properties"):
            return key, inner
    return "", response


def _id_property(schema: Schema, parameter: str) -> str:
    by_name = {snake_case(name): str(name) for name in schema.get("properties") or {}}
    return next((by_name[name] for name in (snake_case(parameter), *ID_FIELDS) if name in by_name), "")


def _waiting(document: Document, schema: Schema) -> tuple[str, ...]:
    properties = schema.get("properties") or {}
    states = (
        document.resolve(properties[name]).get("enum") or () for name in ("status", "state") if name in properties
    )
    return tuple(value for values in states for value in values if str(value).lower() in _WAITING_WORDS)


def remaining_operations(document: Document, resources: Sequence[CrudResource]) -> list[Operation]:
    """Return the operations that no resource uses. Lists and reads of resources are data sources as well."""
    used = {(each.method, each.path) for resource in resources for each in resource.operations if each.method != "GET"}
    return [each for each in document.operations() if (each.method, each.path) not in used]


def _with_unique_names(resources: list[CrudResource]) -> list[CrudResource]:
    """Put the parent's name before a name that two resources have."""
    names = [each.name for each in resources]
    return [
        replace(each, name=_parent_name(each.collection) + each.name) if names.count(each.name) > 1 else each
        for each in resources
    ]


def _parent_name(collection: str) -> str:
    parts = [part for part in collection.split("/") if part and not part.startswith("{")]
    return camel_case(singular(parts[-2])) if len(parts) > 1 else ""
