"""The methods of the generated client: their signatures and their bodies as Python source. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resourcekit.scaffold.crud import ID_FIELDS, CrudResource, unwrap
from resourcekit.scaffold.document import Operation
from resourcekit.scaffold.lists import ListShape, query_parameters
from resourcekit.scaffold.names import camel_case, snake_case
from resourcekit.scaffold.schemas import SchemaReader

_KEY_HEADER = "idempotency-key"


@dataclass(frozen=True)
class Call:
    """A method of the client.

    Attributes:
        name: Its name.
        signature: Its parameters, with `self`.
        returns: The annotation of its result.
        summary: Its docstring.
        body: The lines of its body.
        paging: The class that reads the list; empty if the call reads none.
    """

    name: str
    signature: str
    returns: str
    summary: str
    body: tuple[str, ...]
    paging: str = ""


def is_keyed(operation: Operation) -> bool:
    """Return whether the call takes an idempotency key."""
    return any(each.place == "header" and each.name.lower() == _KEY_HEADER for each in operation.parameters)


def resource_calls(resource: CrudResource, model: str, reader: SchemaReader) -> list[Call]:
    """Return the calls of a resource, each once."""
    calls = [_object_call(resource.create, resource.envelope, model)]
    if resource.read is not None:
        calls.append(_object_call(resource.read, resource.envelope, model))
    if resource.update is not None:
        calls.append(_bare_call(resource.update))
    if resource.delete is not None:
        calls.append(_bare_call(resource.delete))
    if resource.list is not None and resource.shape is not None:
        calls.append(list_call(resource.list, resource.shape, reader))
    return calls


def read_call(operation: Operation, model: str, reader: SchemaReader) -> Call:
    """Return the call of a data source that reads one object."""
    return _object_call(operation, unwrap(reader.document, operation.response or {})[0], model)


def list_call(operation: Operation, shape: ListShape, reader: SchemaReader) -> Call:
    """Return the call of a list."""
    model = list_model(operation, shape, reader)
    identity = _identity(model, reader)
    paging = f"{shape.paging}({shape.arguments})"
    todo = () if shape.is_certain else ("# TODO: the document does not say how the list goes on after its first page.",)
    filters = ", filters" if query_parameters(operation) else ""
    return Call(
        name=snake_case(operation.id),
        signature=_signature(operation),
        returns=f"Iterator[models.{model}]",
        summary=_summary(operation, "Yield every object of the list."),
        body=(
            *_filter_lines(operation),
            *todo,
            f"return iter_items(self._transport, {_path(operation)}, models.{model}, {identity}, {paging}{filters})",
        ),
        paging=shape.paging,
    )


def list_model(operation: Operation, shape: ListShape, reader: SchemaReader) -> str:
    """Return the name of the model of a list's items."""
    return reader.model(shape.item, camel_case(shape.item_name or f"{operation.id}_item"))


def _identity(model: str, reader: SchemaReader) -> str:
    names = [each.name for each in reader.models[model].fields]
    name = next((name for name in ID_FIELDS if name in names), "")
    return f"lambda item: str(item.{name})" if name else "None"


def _object_call(operation: Operation, envelope: str, model: str) -> Call:
    data = f'response.body.get("{envelope}")' if envelope else "response.body"
    return Call(
        name=snake_case(operation.id),
        signature=_signature(operation),
        returns=f"models.{model}",
        summary=_summary(operation, "Return the object."),
        body=(*_filter_lines(operation), f"response = {_request(operation)}", f"return parse(models.{model}, {data})"),
    )


def _bare_call(operation: Operation) -> Call:
    return Call(
        name=snake_case(operation.id),
        signature=_signature(operation),
        returns="None",
        summary=_summary(operation, "Send the call."),
        body=(*_filter_lines(operation), _request(operation)),
    )


def _signature(operation: Operation) -> str:
    parts = ["self", *(f"{snake_case(name)}: str" for name in operation.path_parameters)]
    if operation.request is not None:
        parts.append("body: Mapping[str, Any]")
    if operation.method == "POST" and is_keyed(operation):
        parts.append("idempotency_key: str | None = None")
    if operation.method == "GET":
        queries = query_parameters(operation)
        parts += ["*", *(f"{snake_case(each.name)}: Any = None" for each in queries)] if queries else []
    return ", ".join(parts)


def _filter_lines(operation: Operation) -> Sequence[str]:
    queries = query_parameters(operation) if operation.method == "GET" else []
    if not queries:
        return ()
    entries = ", ".join(f'"{each.name}": {snake_case(each.name)}' for each in queries)
    return (f"filters = drop_none(**{{{entries}}})",)


def _request(operation: Operation) -> str:
    parts = [f'"{operation.method}"', _path(operation)]
    if operation.request is not None:
        parts.append("json=body")
    if operation.method == "GET" and query_parameters(operation):
        parts.append("params=filters or None")
    if operation.method == "POST" and is_keyed(operation):
        parts += ["safety=RetrySafety.KEYED", "idempotency_key=idempotency_key"]
    elif operation.method in ("POST", "PATCH"):
        parts.append("safety=RetrySafety.UNSAFE")
    if (operation.response or {}).get("type") == "array":
        parts.append("returns=list")
    elif operation.response is None:
        parts.append("returns=object")
    return f"self._transport.request({', '.join(parts)})"


def _path(operation: Operation) -> str:
    path = operation.path
    for name in operation.path_parameters:
        path = path.replace(f"{{{name}}}", f"{{path_segment({snake_case(name)})}}")
    return f'f"{path}"' if operation.path_parameters else f'"{path}"'


def _summary(operation: Operation, default: str) -> str:
    text = operation.summary.replace('"', "'").replace("\\", "/") or default
    return text if text.endswith(".") else f"{text}."
