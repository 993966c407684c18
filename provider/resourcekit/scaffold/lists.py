"""Lists of a document: where their items are, and how they are divided into pages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from resourcekit.scaffold.document import Document, Operation, Parameter, Schema
from resourcekit.scaffold.names import snake_case

_NUMBER_PARAMETERS: Final = ("page", "page_number")
_SIZE_PARAMETERS: Final = ("per_page", "page_size", "limit", "size")
_PAGE_PARAMETERS: Final = frozenset(
    {*_NUMBER_PARAMETERS, *_SIZE_PARAMETERS, "offset", "cursor", "starting_after", "after", "before"}
)
_TOTALS: Final = ("total", "total_count")
_MOST_ITEMS: Final = 100


@dataclass(frozen=True)
class ListShape:
    """How a list's response holds its items.

    Attributes:
        item: The schema of an item.
        item_name: The component of an item; empty if it is written in place.
        key: The property with the items; empty if the response is the array.
        paging: The class of `resourcekit.http.pagination` that reads it.
        arguments: The arguments of this class, as Python source.
        is_certain: Whether the document says how the list goes on, or that it does not.
    """

    item: Schema
    item_name: str
    key: str
    paging: str
    arguments: str
    is_certain: bool


def list_shape(document: Document, operation: Operation) -> ListShape | None:
    """Return how the response of a list holds its items, or None if it is no list."""
    response = operation.response or {}
    if response.get("type") == "array":
        key, array = "", response
    else:
        properties: Mapping[str, Schema] = response.get("properties") or {}
        resolved = {name: document.resolve(each) for name, each in properties.items()}
        arrays = {name: each for name, each in resolved.items() if each.get("type") == "array"}
        if len(arrays) != 1:
            return None
        ((key, array),) = arrays.items()
    items = array.get("items") or {}
    paging, arguments, is_certain = _paging(document, operation, response, key)
    name = str(items.get("$ref", "")).rpartition("/")[2]
    return ListShape(document.resolve(items), name, key, paging, arguments, is_certain)


def _paging(document: Document, operation: Operation, response: Schema, key: str) -> tuple[str, str, bool]:
    """Return the class of the paging, its arguments, and whether the document leaves no doubt."""
    parameters = {snake_case(each.name): each for each in operation.parameters}
    properties = response.get("properties") or {}
    number = next((parameters[name] for name in _NUMBER_PARAMETERS if name in parameters), None)
    if key == "data" and "has_more" in properties and "starting_after" in parameters:
        return "LastIdPaging", "", True
    if key == "data" and "next_cursor" in properties and "cursor" in parameters:
        return "CursorPaging", "", True
    if key and document.resolve(properties.get("next") or {}).get("format") in ("uri", "url"):
        return "NextLinkPaging", f'"{key}"', True
    if number is not None:
        return "PageNumberPaging", _page_number_arguments(document, key, number, parameters, properties), True
    is_certain = not (parameters.keys() & _PAGE_PARAMETERS)
    return ("WholeList", f'"{key}"', is_certain) if key else ("PlainArray", "", is_certain)


def _page_number_arguments(
    document: Document,
    key: str,
    number: Parameter,
    parameters: Mapping[str, Parameter],
    properties: Mapping[str, Schema],
) -> str:
    """Return the arguments that differ from the defaults of `PageNumberPaging`."""
    size = next((parameters[name] for name in _SIZE_PARAMETERS if name in parameters), None)
    most = document.resolve(size.schema).get("maximum") if size is not None else None
    given: dict[str, str | int] = {
        "key": key,
        "page": number.name,
        "size": size.name if size is not None else "",
        "limit": min(_MOST_ITEMS, most) if isinstance(most, int) else _MOST_ITEMS,
        "total": next((name for name in _TOTALS if name in properties), ""),
    }
    defaults = {"key": "", "page": "page", "size": "per_page", "limit": 100, "total": ""}
    return ", ".join(
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value}"
        for name, value in given.items()
        if value != defaults[name]
    )


def query_parameters(operation: Operation) -> list[Parameter]:
    """Return the parameters of the query that a data source offers: all but those of the paging."""
    return [
        each for each in operation.parameters if each.place == "query" and snake_case(each.name) not in _PAGE_PARAMETERS
    ]
