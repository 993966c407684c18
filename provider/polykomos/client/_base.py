"""Shared parts of the API groups: the transport, paging, and the parsing of responses."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from polykomos.client.errors import ConfigurationError, IncompleteListError, TransportError
from polykomos.client.models import WriteResult
from polykomos.client.transport import Response, Transport

log = logging.getLogger(__name__)
ModelT = TypeVar("ModelT", bound=BaseModel)
_PAGE: Final = 100


@dataclass(frozen=True)
class ListPage(Generic[ModelT]):
    """A page of a list.

    Attributes:
        items: The page's items.
        has_more: Whether more pages follow.
        asked_at: When the request was sent, in `time.monotonic()` seconds.
    """

    items: list[ModelT]
    has_more: bool
    asked_at: float


class ApiGroup:
    """A group of calls over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _pages(self, path: str, model: type[ModelT], cursor: str) -> Iterator[ModelT]:
        """Yield every item of a list once, page by page.

        Args:
            path: The list's path.
            model: The model of an item.
            cursor: The field that identifies an item in `starting_after`.

        Raises:
            IncompleteListError: A response shows that the list is incomplete, so an object that is not in it may exist.
        """
        after = None
        seen: set[str] = set()
        while True:
            page = self._page(path, model, after)
            items = {str(getattr(item, cursor)): item for item in page.items}
            fault = page_fault(list(items), seen, has_more=page.has_more)
            if fault:
                raise IncompleteListError(
                    f"the API's list {path} {fault}. The provider does not use it. Run this again; if it fails again, "
                    "contact the service"
                )
            yield from (item for id_, item in items.items() if id_ not in seen)
            if not page.has_more:
                return
            seen |= items.keys()
            after = next(reversed(items))

    def _page(self, path: str, model: type[ModelT], after: str | None) -> ListPage[ModelT]:
        """Read one page; `after` is the last item of the page before, None for the first page."""
        response = self._transport.request("GET", path, params={"limit": _PAGE, **drop_none(starting_after=after)})
        items = parse_list(model, response.body)
        return ListPage(items, _has_more(path, response.body, len(items)), response.sent_at)


def page_fault(ids: Sequence[str], seen: Set[str], *, has_more: bool) -> str:
    """Return why the list cannot be read to its end, or an empty string. Pure.

    An overlap with the pages before is allowed: objects that are created in the meantime move others down.

    Args:
        ids: The ids of the page's items.
        seen: The ids of the items of the pages before.
        has_more: Whether more pages follow, according to the page.
    """
    if has_more and not ids:
        return "says that it goes on after a page without items"
    if ids and all(each in seen for each in ids):
        return f"has no end: it comes back to {ids[-1]}"
    return ""


def _has_more(path: str, body: Mapping[str, Any], count: int) -> bool:
    has_more = body.get("has_more")
    if isinstance(has_more, bool):
        return has_more
    if has_more is None:
        # No document requires the field: without it, a page that is not full is the last one.
        return count >= _PAGE
    raise IncompleteListError(f"the API's list {path} is not as documented: has_more is not a boolean")


def parse(model: type[ModelT], data: Any) -> ModelT:
    """Return data as a model.

    An optional field that is not as documented is omitted, so that an object is not lost because of a date.

    Raises:
        TransportError: A required field is not as documented. The message names the fields, and no value.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        odd = [detail["loc"] for detail in error.errors()]
    fields = ", ".join(".".join(map(str, at)) or "the object" for at in odd)
    text = f"the API's {model.__name__} is not as documented: {fields}"
    try:
        parsed = model.model_validate(functools.reduce(_without, odd, data))
    except ValidationError:
        raise TransportError(text) from None
    log.warning("%s", text)
    return parsed


def _without(data: Any, path: tuple[int | str, ...]) -> Any:
    """Return data without the value at a path; a list is omitted as a whole."""
    if not path or not isinstance(data, Mapping):
        return data
    head, *rest = path
    inner = data.get(str(head))
    if rest and isinstance(inner, Mapping):
        return {**data, head: _without(inner, tuple(rest))}
    return {name: value for name, value in data.items() if name != head}


def parse_list(model: type[ModelT], body: Mapping[str, Any]) -> list[ModelT]:
    """Return the items of a list's `data`.

    Raises:
        TransportError: An item is not as documented (see `parse`), or there is no list.
    """
    data = body.get("data")
    if not isinstance(data, list):
        # An empty list would mean that there are no objects.
        raise IncompleteListError(f"the API's list of {model.__name__} is not as documented: data is not a list")
    return [parse(model, item) for item in data]


def parse_write(model: type[ModelT], response: Response) -> WriteResult[ModelT]:
    """Return the object of a keyed write with its replay marker (api-facts, Idempotency)."""
    parsed = parse(model, response.body.get("data"))
    return WriteResult(
        object=parsed, replayed=bool(response.body.get("idempotency_replay")), was_retried=response.was_retried
    )


def path_segment(value: object) -> str:
    """Return a value as one quoted path segment.

    Raises:
        ConfigurationError: The value would change the path.
    """
    text = str(value)
    # Quoting does not change these, and a server resolves them: a delete would affect another path.
    if text in ("", ".", ".."):
        raise ConfigurationError(f"{text!r} is not an id")
    return quote(text, safe="")


def drop_none(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
