"""Lists of APIs: read page by page, to their end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from resourcekit.http.errors import IncompleteListError
from resourcekit.http.models import parse_list
from resourcekit.http.transport import Transport

ModelT = TypeVar("ModelT", bound=BaseModel)
_NOT_AS_DOCUMENTED = "the API's list {} is not as documented: {}"


class Paging(Protocol):
    """How a list is divided into pages."""

    @property
    def returns(self) -> type:
        """The type of a page's JSON: `dict` or `list`."""

    def query(self, after: str | None) -> Mapping[str, Any]:
        """Return the parameters of the page after a cursor; None for the first page."""

    def items(self, body: Any) -> Any:
        """Return the items of a page's body."""

    def cursor(self, path: str, body: Any, ids: Sequence[str]) -> str | None:
        """Return the cursor of the next page, or None for the last page; raises IncompleteListError."""


@dataclass(frozen=True)
class LastIdPaging:
    """Pages `{data, has_more}`; the next one begins after the last id (`starting_after`).

    Attributes:
        limit: The items of a page.
    """

    limit: int = 100
    returns: type = dict

    def query(self, after: str | None) -> Mapping[str, Any]:
        """Return `limit` and `starting_after`."""
        return {"limit": self.limit, **({} if after is None else {"starting_after": after})}

    def items(self, body: Any) -> Any:
        """Return `data`."""
        return body.get("data")

    def cursor(self, path: str, body: Any, ids: Sequence[str]) -> str | None:
        """Return the last id if there are more items."""
        has_more = body.get("has_more")
        if has_more is None:
            # No document requires the field: without it, a page that is not full is the last one.
            has_more = len(ids) >= self.limit
        if not isinstance(has_more, bool):
            raise IncompleteListError(_NOT_AS_DOCUMENTED.format(path, "has_more is not a boolean"))
        return (ids[-1] if ids else "") if has_more else None


@dataclass(frozen=True)
class CursorPaging:
    """Pages `{data, next_cursor}`; the last one has no `next_cursor`.

    Attributes:
        limit: The items of a page.
    """

    limit: int = 200
    returns: type = dict

    def query(self, after: str | None) -> Mapping[str, Any]:
        """Return `limit` and `cursor`."""
        return {"limit": self.limit, **({} if after is None else {"cursor": after})}

    def items(self, body: Any) -> Any:
        """Return `data`."""
        return body.get("data")

    def cursor(self, path: str, body: Any, ids: Sequence[str]) -> str | None:
        """Return `next_cursor`."""
        del ids
        cursor = body.get("next_cursor")
        if cursor is not None and not isinstance(cursor, str):
            raise IncompleteListError(_NOT_AS_DOCUMENTED.format(path, "next_cursor is not a string"))
        return cursor or None


@dataclass(frozen=True)
class PlainArray:
    """The whole list as one JSON array."""

    returns: type = list

    def query(self, after: str | None) -> Mapping[str, Any]:
        """Return no parameters."""
        del after
        return {}

    def items(self, body: Any) -> Any:
        """Return the array."""
        return body

    def cursor(self, path: str, body: Any, ids: Sequence[str]) -> str | None:
        """Return None: there is one page."""
        del path, body, ids
        return None


@dataclass(frozen=True)
class WholeList:
    """The whole list as one array below a property.

    Attributes:
        key: The property.
    """

    key: str
    returns: type = dict

    def query(self, after: str | None) -> Mapping[str, Any]:
        """Return no parameters."""
        del after
        return {}

    def items(self, body: Any) -> Any:
        """Return the array."""
        return body.get(self.key)

    def cursor(self, path: str, body: Any, ids: Sequence[str]) -> str | None:
        """Return None: there is one page."""
        del path, body, ids
        return None


@dataclass(frozen=True)
class ListPage(Generic[ModelT]):
    """A page of a list.

    Attributes:
        items: The page's items, by id, in the list's order.
        next: The cursor of the next page; None for the last page.
        asked_at: When the request was sent, in `time.monotonic()` seconds.
    """

    items: dict[str, ModelT]
    next: str | None
    asked_at: float


def read_page(
    transport: Transport,
    path: str,
    model: type[ModelT],
    id_of: Callable[[ModelT], str] | None,
    paging: Paging,
    after: str | None = None,
    filters: Mapping[str, Any] | None = None,
) -> ListPage[ModelT]:
    """Read one page; `after` is the cursor of the page before, None for the first page. See `iter_items`."""
    query = {**(filters or {}), **paging.query(after)}
    response = transport.request("GET", path, params=query or None, returns=paging.returns)
    items = parse_list(model, paging.items(response.body))
    ids = _row_ids(items) if id_of is None else [id_of(item) for item in items]
    return ListPage(dict(zip(ids, items, strict=True)), paging.cursor(path, response.body, ids), response.sent_at)


def _row_ids(rows: Sequence[BaseModel]) -> list[str]:
    """Return an id for each row of a page: its content, and how many equal rows precede it in the page."""
    counts: Counter[str] = Counter()
    ids = []
    for row in rows:
        content = row.model_dump_json()
        ids.append(f"{counts[content]} {content}")
        counts[content] += 1
    return ids


def iter_items(
    transport: Transport,
    path: str,
    model: type[ModelT],
    id_of: Callable[[ModelT], str] | None,
    paging: Paging,
    filters: Mapping[str, Any] | None = None,
    after: str | None = None,
) -> Iterator[ModelT]:
    """Yield every item of a list, each id once, page by page.

    Args:
        transport: Sends the calls.
        path: The list's path.
        model: The model of an item.
        id_of: Returns what identifies an item. None: nothing does, so equal items are all yielded.
        paging: How the list is divided into pages.
        filters: Further parameters of the query.
        after: The cursor where the list begins; None: its first page.

    Raises:
        IncompleteListError: A response shows that the list is incomplete, so an object that is not in it may exist.
    """
    seen: set[str] = set()
    while True:
        page = read_page(transport, path, model, id_of, paging, after, filters)
        fault = page_fault(list(page.items), seen, has_more=page.next is not None)
        if fault:
            raise IncompleteListError(
                f"the API's list {path} {fault}. The provider does not use it. Run this again; if it fails again, "
                "contact the service"
            )
        yield from (item for id_, item in page.items.items() if id_of is None or id_ not in seen)
        if page.next is None:
            return
        seen |= page.items.keys()
        after = page.next


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
