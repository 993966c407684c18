"""Data sources of an HTTP API that are declared by a path and two models: of a whole list, and of one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic import Field

from resourcekit.context import Context
from resourcekit.fields import Arguments, Result
from resourcekit.http.models import parse, parse_list, path_segment
from resourcekit.resource import DataSource


class NoArguments(Arguments):
    """No arguments."""


class ItemsResult(Result):
    """The objects of a list."""

    items: Any = Field(None, description="The objects, as the API returns them.")


def list_source(
    name: str,
    text: str,
    path: str,
    arguments: type[Arguments] = NoArguments,
    *,
    result: type[Result] = ItemsResult,
    parameters: Mapping[str, str] | None = None,
    separator: str = "",
) -> DataSource[Any, Any, Any]:
    """Return the data source of a list, which is read to its end as the client's class pages its lists.

    Args:
        name: Its name.
        text: Its documentation.
        path: The path of the GET, with arguments in braces. The other arguments are parameters of the query.
        arguments: The model of its arguments.
        result: The model of its result, with one field: the list.
        parameters: The names of the query's parameters that differ from those of their arguments.
        separator: The text between the values of a list in the query; empty: each value is a parameter of its own.

    Example:
        The invoices of a year::

            list_source("get_invoices", "The invoices of a year.", "/years/{year}/invoices", YearArgs)
    """
    ((field, info),) = result.model_fields.items()
    (item,) = get_args(info.annotation) or (None,)

    def read(api: Any, path: str, query: Mapping[str, Any]) -> Result:
        found = list(api.iter_objects(path, query))
        values: dict[str, Any] = {field: found if item is None else parse_list(item, found)}
        return result.model_construct(None, **values)

    return _declare(name, text, path, arguments, result, read, parameters or {}, separator)


def object_source(
    name: str,
    text: str,
    path: str,
    arguments: type[Arguments],
    *,
    result: type[Result],
    parameters: Mapping[str, str] | None = None,
) -> DataSource[Any, Any, Any]:
    """Return the data source of one object, whose fields have the names of the result's.

    Args:
        name: Its name.
        text: Its documentation.
        path: The path of the GET, as in `list_source`.
        arguments: The model of its arguments.
        result: The model of its result. Other fields of the object are ignored.
        parameters: As in `list_source`.
    """

    def read(api: Any, path: str, query: Mapping[str, Any]) -> Result:
        return parse(result, api.read_object(path, query))

    return _declare(name, text, path, arguments, result, read, parameters or {})


def _declare(
    name: str,
    text: str,
    path: str,
    arguments: type[Arguments],
    result: type[Result],
    read: Callable[[Any, str, Mapping[str, Any]], Result],
    parameters: Mapping[str, str],
    separator: str = "",
) -> DataSource[Any, Any, Any]:
    class PathSource(DataSource[Any, Any, Any]):
        __doc__ = text

        def call(self, args: Any, ctx: Context[Any]) -> Result:
            """Read from the path."""
            values = {key: value for key, value in args if value is not None}
            in_path = {key: path_segment(value) for key, value in values.items() if f"{{{key}}}" in path}
            query = {
                parameters.get(key, key): separator.join(value) if separator and isinstance(value, list) else value
                for key, value in values.items()
                if key not in in_path
            }
            return read(ctx.api, path.format(**in_path), query)

    PathSource.name = name
    made = PathSource()
    made.arguments, made.result = arguments, result
    return made
