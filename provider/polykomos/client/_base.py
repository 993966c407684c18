"""What the families of calls share: the transport, paging, and the form of keyed answers."""

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
    """A page of a list. asked_at: `time.monotonic()` seconds when the call that was answered left this machine."""

    items: list[ModelT]
    has_more: bool
    asked_at: float


class ApiGroup:
    """A family of calls over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _pages(self, path: str, model: type[ModelT], cursor: str) -> Iterator[ModelT]:
        """Yield every item of a list once, page by page.

        Args:
            path: The list's.
            model: Of an item.
            cursor: The field that names an item for `starting_after`.

        Raises:
            IncompleteList: An answer shows that the list is not whole, so that nothing is known to be missing from it.

        """
        after = None
        seen: set[str] = set()
        while True:
            page = self._page(path, model, after)
            items = {str(getattr(item, cursor)): item for item in page.items}
            fault = page_fault(list(items), seen, has_more=page.has_more)
            if fault:
                raise IncompleteListError(f"the API's list {path} {fault}. Nothing is concluded from it")
            yield from (item for id_, item in items.items() if id_ not in seen)
            if not page.has_more:
                return
            seen |= items.keys()
            after = next(reversed(items))

    def _page(self, path: str, model: type[ModelT], after: str | None) -> ListPage[ModelT]:
        """One page of a list. after: the last item of the page before; None at first."""
        answer = self._transport.request("GET", path, params={"limit": _PAGE, **drop_none(starting_after=after)})
        items = parse_list(model, answer.body)
        return ListPage(items, _has_more(path, answer.body, len(items)), answer.sent_at)


def page_fault(ids: Sequence[str], seen: Set[str], *, has_more: bool) -> str:
    """Return what in a page shows that the list cannot be read to its end; empty where nothing does. Pure.

    An overlap with the pages before is no fault: objects that are made meanwhile push others down.

    Args:
        ids: Of the page's items.
        seen: Of the items of the pages before.
        has_more: What the page says.

    """
    if has_more and not ids:
        return "says that it goes on after a page without items"
    if ids and all(each in seen for each in ids):
        return f"has no end: it comes back to {ids[-1]}"
    return ""


def _has_more(path: str, body: Mapping[str, Any], count: int) -> bool:
    told = body.get("has_more")
    if isinstance(told, bool):
        return told
    if told is None:
        # No document requires the field: only a page that is not full is the last one.
        return count >= _PAGE
    raise IncompleteListError(f"the API's list {path} is not as documented: has_more is no boolean")


def parse(model: type[ModelT], data: Any) -> ModelT:
    """`data` as `model`. A field that is not as documented counts as not told: what tells that an object was made must
    not be lost for a date. Raises TransportError, naming the fields and no value, where the object cannot do without.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        odd = [detail["loc"] for detail in error.errors()]
    fields = ", ".join(".".join(map(str, at)) or "the whole" for at in odd)
    text = f"the API's {model.__name__} is not as documented: {fields}"
    try:
        found = model.model_validate(functools.reduce(_without, odd, data))
    except ValidationError:
        raise TransportError(text) from None
    log.warning("%s", text)
    return found


def _without(data: Any, path: tuple[int | str, ...]) -> Any:
    """The data without what is there; a list is left out whole."""
    if not path or not isinstance(data, Mapping):
        return data
    head, *rest = path
    inner = data.get(str(head))
    if rest and isinstance(inner, Mapping):
        return {**data, head: _without(inner, tuple(rest))}
    return {name: value for name, value in data.items() if name != head}


def parse_list(model: type[ModelT], answer: Mapping[str, Any]) -> list[ModelT]:
    """The items of a list's `data`. Raises TransportError as `parse` does."""
    data = answer.get("data")
    if not isinstance(data, list):
        # Without a list nothing is known: an empty one would say that there is nothing.
        raise IncompleteListError(f"the API's list of {model.__name__} is not as documented: data is no list")
    return [parse(model, item) for item in data]


def parse_write(model: type[ModelT], answer: Response) -> WriteResult[ModelT]:
    """The object of a keyed write with its replay marker (api-facts, Idempotency)."""
    found = parse(model, answer.body.get("data"))
    return WriteResult(
        object=found, replayed=bool(answer.body.get("idempotency_replay")), was_retried=answer.was_retried
    )


def path_segment(value: object) -> str:
    """A value as one path segment: nothing in it can reach another path. Raises ConfigurationError."""
    text = str(value)
    # Quoting does not keep these from being taken as this path or its parent: a delete would go elsewhere.
    if text in ("", ".", ".."):
        raise ConfigurationError(f"{text!r} is no id")
    return quote(text, safe="")


def drop_none(**fields: Any) -> dict[str, Any]:
    """The fields that are set."""
    return {name: value for name, value in fields.items() if value is not None}
