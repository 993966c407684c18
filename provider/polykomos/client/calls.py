"""What the families of calls share: the transport, paging, and the form of keyed answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from polykomos.client.errors import ConfigurationError, TransportError
from polykomos.client.models import Written
from polykomos.client.transport import Transport

ModelT = TypeVar("ModelT", bound=BaseModel)
_PAGE: Final = 100


class Calls:
    """A family of calls over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _pages(self, path: str, model: type[ModelT], cursor: str) -> Iterator[ModelT]:
        """Every item of a list, page by page. cursor: the field that names an item for `starting_after`."""
        params: dict[str, Any] = {"limit": _PAGE}
        while True:
            page = self._transport.call("GET", path, params=params)
            items = parse_all(model, page)
            yield from items
            # A page without items could name no next one: `has_more` alone would loop for ever.
            if not (page.get("has_more") and items):
                return
            params["starting_after"] = str(getattr(items[-1], cursor))


def parse(model: type[ModelT], data: Any) -> ModelT:
    """`data` as `model`. Raises TransportError, naming the field and no value, when it is not as documented."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, detail["loc"])) or "the whole" for detail in error.errors())
        raise TransportError(f"the API's {model.__name__} is not as documented: {fields}") from None


def parse_all(model: type[ModelT], answer: Mapping[str, Any]) -> list[ModelT]:
    """The items of a list's `data`. Raises TransportError as `parse` does."""
    data = answer.get("data") or []
    if not isinstance(data, list):
        raise TransportError(f"the API's list of {model.__name__} is not as documented: data is no list")
    return [parse(model, item) for item in data]


def written(model: type[ModelT], answer: Mapping[str, Any]) -> Written[ModelT]:
    """The object of a keyed write with its replay marker (api-facts, Idempotency)."""
    return Written(object=parse(model, answer.get("data")), replayed=bool(answer.get("idempotency_replay")))


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
