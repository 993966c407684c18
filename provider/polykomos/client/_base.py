"""Shared parts of the API groups: the transport, paging, and the parsing of responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from polykomos.client.models import WriteResult
from resourcekit.http import models
from resourcekit.http.models import drop_none, parse, path_segment
from resourcekit.http.pages import ListPage, iter_items, read_page
from resourcekit.http.pagination import LastIdPaging
from resourcekit.http.transport import Response, Transport

__all__ = ["ApiGroup", "drop_none", "parse", "parse_list", "parse_write", "path_segment"]

ModelT = TypeVar("ModelT", bound=BaseModel)
_PAGING: Final = LastIdPaging(limit=100)


class ApiGroup:
    """A group of calls over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _pages(self, path: str, model: type[ModelT], cursor: str, after: str | None = None) -> Iterator[ModelT]:
        """Yield every item of a list once, page by page.

        Args:
            path: The list's path.
            model: The model of an item.
            cursor: The field that identifies an item.
            after: The item after which the list begins; None: it begins with the first one.

        Raises:
            IncompleteListError: A response shows that the list is incomplete, so an object that is not in it may exist.
        """
        return iter_items(self._transport, path, model, lambda item: str(getattr(item, cursor)), _PAGING, after=after)

    def _page(self, path: str, model: type[ModelT], cursor: str, after: str | None) -> ListPage[ModelT]:
        """Read one page; `after` is the last item of the page before, None for the first page."""
        return read_page(self._transport, path, model, lambda item: str(getattr(item, cursor)), _PAGING, after)


def parse_list(model: type[ModelT], body: Mapping[str, Any]) -> list[ModelT]:
    """Return the items of a list's `data`; raises TransportError."""
    return models.parse_list(model, body.get("data"))


def parse_write(model: type[ModelT], response: Response) -> WriteResult[ModelT]:
    """Return the object of a keyed write with its replay marker (api-facts, Idempotency)."""
    parsed = parse(model, response.body.get("data"))
    return WriteResult(
        object=parsed, replayed=bool(response.body.get("idempotency_replay")), was_retried=response.was_retried
    )
