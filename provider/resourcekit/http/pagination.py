"""Styles of paging: how APIs divide their lists into pages. Each is declared by a value (`HttpClient.paging`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qs, urlsplit

from resourcekit.http.errors import IncompleteListError

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

    def cursor(self, path: str, body: Any, ids: Sequence[str], after: str | None) -> str | None:
        """Return the cursor of the page after this one, or None for the last page.

        Args:
            path: The list's path, for messages.
            body: The body of the page.
            ids: The ids of its items.
            after: The cursor of this page; None for the first page.

        Raises:
            IncompleteListError: The page is not as documented.
        """


@dataclass(frozen=True)
class _DataPages:
    """Pages whose items are in `data`.

    Attributes:
        limit: The items of a page.
        parameter: The parameter of the query with the cursor.
    """

    limit: int
    returns: type = dict
    parameter: ClassVar[str]

    def query(self, after: str | None) -> Mapping[str, Any]:
        """Return the limit and the cursor."""
        return {"limit": self.limit, **({} if after is None else {self.parameter: after})}

    def items(self, body: Any) -> Any:
        """Return `data`."""
        return body.get("data")


@dataclass(frozen=True)
class LastIdPaging(_DataPages):
    """Pages `{data, has_more}`; the next one begins after the last id (`starting_after`)."""

    limit: int = 100
    parameter = "starting_after"

    def cursor(self, path: str, body: Any, ids: Sequence[str], after: str | None) -> str | None:
        """Return the last id if there are more items."""
        del after
        has_more = body.get("has_more")
        if has_more is None:
            # No document requires the field: without it, a page that is not full is the last one.
            has_more = len(ids) >= self.limit
        if not isinstance(has_more, bool):
            raise IncompleteListError(_NOT_AS_DOCUMENTED.format(path, "has_more is not a boolean"))
        return (ids[-1] if ids else "") if has_more else None


@dataclass(frozen=True)
class CursorPaging(_DataPages):
    """Pages `{data, next_cursor}`; the last one has no `next_cursor`."""

    limit: int = 200
    parameter = "cursor"

    def cursor(self, path: str, body: Any, ids: Sequence[str], after: str | None) -> str | None:
        """Return `next_cursor`."""
        del ids, after
        cursor = body.get("next_cursor")
        if cursor is not None and not isinstance(cursor, str):
            raise IncompleteListError(_NOT_AS_DOCUMENTED.format(path, "next_cursor is not a string"))
        return cursor or None


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

    def cursor(self, path: str, body: Any, ids: Sequence[str], after: str | None) -> str | None:
        """Return None: there is one page."""
        del path, body, ids, after
        return None


@dataclass(frozen=True)
class WholeList(PlainArray):
    """The whole list as one array below a property.

    Attributes:
        key: The property.
    """

    key: str
    returns: type = dict

    def items(self, body: Any) -> Any:
        """Return the array."""
        return body.get(self.key)


@dataclass(frozen=True)
class PageNumberPaging:
    """Pages with numbers. The list ends with an empty page, because an API may return fewer items than requested.

    Attributes:
        key: The property with the items; empty: the response is the array.
        page: The parameter of the page's number.
        size: The parameter of the number of items of a page; empty: it has none.
        limit: The items of a page that are requested.
        first: The number of the first page.
        total: The property with the number of all items, which saves the last page of a short list; empty: it has none.
    """

    key: str = ""
    page: str = "page"
    size: str = "per_page"
    limit: int = 100
    first: int = 1
    total: str = ""

    @property
    def returns(self) -> type:
        """The type of a page's JSON."""
        return dict if self.key else list

    def query(self, after: str | None) -> Mapping[str, Any]:
        """Return the page's number and size."""
        return {self.page: self._number(after), **({self.size: self.limit} if self.size else {})}

    def items(self, body: Any) -> Any:
        """Return the items."""
        return body.get(self.key) if self.key else body

    def cursor(self, path: str, body: Any, ids: Sequence[str], after: str | None) -> str | None:
        """Return the number of the next page, unless this one is empty or has all items."""
        total = body.get(self.total) if self.total else None
        if total is not None and (not isinstance(total, int) or isinstance(total, bool)):
            raise IncompleteListError(_NOT_AS_DOCUMENTED.format(path, f"{self.total} is not a number"))
        if not ids and after is None and total:
            raise IncompleteListError(_NOT_AS_DOCUMENTED.format(path, f"{self.total} is {total}, without items"))
        is_whole = after is None and total is not None and len(ids) >= total
        return None if not ids or is_whole else str(self._number(after) + 1)

    def _number(self, after: str | None) -> int:
        return self.first if after is None else int(after)


@dataclass(frozen=True)
class NextLinkPaging:
    """Pages with the URL of the next one. Only its parameters are used, so no key is sent to another host.

    Attributes:
        key: The property with the items.
        link: The property with the URL; null or missing on the last page.
    """

    key: str = "results"
    link: str = "next"
    returns: type = dict

    def query(self, after: str | None) -> Mapping[str, Any]:
        """Return the parameters of the URL."""
        return parse_qs(urlsplit(after or "").query, keep_blank_values=True)

    def items(self, body: Any) -> Any:
        """Return the items."""
        return body.get(self.key)

    def cursor(self, path: str, body: Any, ids: Sequence[str], after: str | None) -> str | None:
        """Return the URL of the next page."""
        del ids, after
        link = body.get(self.link)
        if link is not None and (not isinstance(link, str) or (link and "?" not in link)):
            raise IncompleteListError(_NOT_AS_DOCUMENTED.format(path, f"{self.link} is not a URL with parameters"))
        return link or None
