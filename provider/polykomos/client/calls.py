"""What the families of calls share: the transport, paging, and the form of keyed answers."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from polykomos.client.errors import ConfigurationError, TransportError
from polykomos.client.models import Written
from polykomos.client.transport import Answer, Transport

log = logging.getLogger(__name__)
ModelT = TypeVar("ModelT", bound=BaseModel)
_PAGE: Final = 100


@dataclass(frozen=True)
class ListPage(Generic[ModelT]):
    """A page of a list. asked_at: `time.monotonic()` seconds when the call that was answered left this machine."""

    items: list[ModelT]
    has_more: bool
    asked_at: float


class Calls:
    """A family of calls over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _pages(self, path: str, model: type[ModelT], cursor: str) -> Iterator[ModelT]:
        """Every item of a list, page by page. cursor: the field that names an item for `starting_after`.

        Raises TransportError where pages lead in a circle.
        """
        after = None
        seen: set[str] = set()
        while True:
            page = self._page(path, model, after)
            yield from page.items
            # A page without items could name no next one: `has_more` alone would loop for ever.
            if not (page.has_more and page.items):
                return
            after = str(getattr(page.items[-1], cursor))
            if after in seen:
                raise TransportError(f"the API's list {path} has no end: it comes back to {after}")
            seen.add(after)

    def _page(self, path: str, model: type[ModelT], after: str | None) -> ListPage[ModelT]:
        """One page of a list. after: the last item of the page before; None at first."""
        answer = self._transport.ask("GET", path, params={"limit": _PAGE, **given(starting_after=after)})
        return ListPage(parse_all(model, answer.body), bool(answer.body.get("has_more")), answer.sent_at)


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


def parse_all(model: type[ModelT], answer: Mapping[str, Any]) -> list[ModelT]:
    """The items of a list's `data`. Raises TransportError as `parse` does."""
    data = answer.get("data") or []
    if not isinstance(data, list):
        raise TransportError(f"the API's list of {model.__name__} is not as documented: data is no list")
    return [parse(model, item) for item in data]


def written(model: type[ModelT], answer: Answer) -> Written[ModelT]:
    """The object of a keyed write with its replay marker (api-facts, Idempotency)."""
    found = parse(model, answer.body.get("data"))
    return Written(object=found, replayed=bool(answer.body.get("idempotency_replay")), resent=answer.resent)


def segment(value: object) -> str:
    """A value as one path segment: nothing in it can reach another path. Raises ConfigurationError."""
    text = str(value)
    # Quoting does not keep these from being taken as this path or its parent: a delete would go elsewhere.
    if text in ("", ".", ".."):
        raise ConfigurationError(f"{text!r} is no id")
    return quote(text, safe="")


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are set."""
    return {name: value for name, value in fields.items() if value is not None}
