"""Lists of APIs: read page by page, to their end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from resourcekit.http.errors import IncompleteListError
from resourcekit.http.models import parse_list
from resourcekit.http.pagination import Paging
from resourcekit.http.transport import Transport

ModelT = TypeVar("ModelT", bound=BaseModel)


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
    following = paging.cursor(path, response.body, ids, after)
    return ListPage(dict(zip(ids, items, strict=True)), following, response.sent_at)


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
