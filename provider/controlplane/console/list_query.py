"""The query string of a list: the page, its length, filters, a text to search for.

A bad value is no error; the nearest good one replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

_MAX_LIMIT = 500
_DEFAULT_LIMIT = 50
_LAST_PAGE = 10_000
_LONGEST_TEXT = 200  # characters


@dataclass(frozen=True)
class Choice:
    """A filter with fixed values."""

    name: str  # the parameter in the query string
    label: str  # the label on the page
    options: Sequence[tuple[str, str]]  # the values and their labels; the first is the default
    value: str


@dataclass(frozen=True)
class ListQuery:
    """The parsed query string of a list."""

    path: str  # the path of the list
    page: int  # the page, from 1
    limit: int  # rows per page
    text: str  # the text to search for; "" = none
    choices: Sequence[Choice] = ()  # the filters of the list

    @property
    def window(self) -> dict[str, Any]:
        """Return the parameters of `OFFSET %(offset)s LIMIT %(fetch)s`. One extra row shows whether there are more."""
        return {"offset": (self.page - 1) * self.limit, "fetch": self.limit + 1}

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a list's query: those of `window`, `pattern`, and the value of each filter."""
        return {**self.window, "pattern": self.pattern, **{choice.name: choice.value for choice in self.choices}}

    @property
    def pattern(self) -> str | None:
        """Return the text as a pattern for ILIKE, with its wildcards escaped; None without a text."""
        if not self.text:
            return None
        escaped = self.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"%{escaped}%"

    def chosen(self, name: str) -> str:
        """Return the value of a filter."""
        return next(choice.value for choice in self.choices if choice.name == name)

    @property
    def is_filtered(self) -> bool:
        """Return whether a filter or a text is set."""
        return bool(self.text) or any(choice.value != choice.options[0][0] for choice in self.choices)

    def address(self, page: int) -> str:
        """Return the address of the same list at another page."""
        query = {choice.name: choice.value for choice in self.choices if choice.value != choice.options[0][0]}
        query |= {"q": self.text} if self.text else {}
        query |= {"limit": str(self.limit)} if self.limit != _DEFAULT_LIMIT else {}
        query |= {"page": str(page)} if page > 1 else {}
        return self.path + (f"?{urlencode(query)}" if query else "")


@dataclass(frozen=True)
class ListPage:
    """The rows of one page."""

    rows: Sequence[Any]
    first: int  # the number of the first row in the list, from 1
    before: str  # the address of the page before; "" = none
    after: str  # the address of the page after; "" = none


def parse_query(
    path: str, query: Mapping[str, str], choices: Sequence[tuple[str, str, Sequence[tuple[str, str]]]] = ()
) -> ListQuery:
    """Parse the query string of a list. Each choice is the name, label and options of a filter."""
    return ListQuery(
        path=path,
        page=_number(query.get("page"), 1, _LAST_PAGE),
        limit=_number(query.get("limit"), _DEFAULT_LIMIT, _MAX_LIMIT),
        text=query.get("q", "").replace("\x00", "").strip()[:_LONGEST_TEXT],
        choices=[_choice(name, label, options, query.get(name)) for name, label, options in choices],
    )


def paginate(list_query: ListQuery, rows: Sequence[Any]) -> ListPage:
    """Return the page of rows that were fetched with `list_query.window`."""
    more = len(rows) > list_query.limit and list_query.page < _LAST_PAGE
    return ListPage(
        rows=rows[: list_query.limit],
        first=(list_query.page - 1) * list_query.limit + 1,
        before=list_query.address(list_query.page - 1) if list_query.page > 1 else "",
        after=list_query.address(list_query.page + 1) if more else "",
    )


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun: `1 database`, `2 databases`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun[:-1]}ies" if noun[-1] == "y" else f"{number} {noun}s"


def _number(text: str | None, default: int, most: int) -> int:
    if text is None or not text.isascii() or not text.isdigit():
        return default
    return max(1, min(int(text[:9]), most))


def _choice(name: str, label: str, options: Sequence[tuple[str, str]], value: str | None) -> Choice:
    known = {option for option, _ in options}
    return Choice(name, label, options, value if value in known else options[0][0])
