"""What a page's address can ask for: a part of a list, a filter. A bad value is no error but the nearest good one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

_LARGEST = 500
_USUAL = 50
_LAST_PAGE = 10_000
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class Choice:
    """A filter with fixed values: (value, label) each; the first is the default."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    value: str


@dataclass(frozen=True)
class ListQuery:
    """page: from 1. limit: rows a page. text: to be searched for, "" = none. choices: of the page's filters."""

    path: str
    page: int
    limit: int
    text: str
    choices: Sequence[Choice] = ()

    @property
    def window(self) -> dict[str, Any]:
        """Parameters for `OFFSET %(offset)s LIMIT %(fetch)s`; one row more than shown tells whether there are more."""
        return {"offset": (self.page - 1) * self.limit, "fetch": self.limit + 1}

    @property
    def pattern(self) -> str | None:
        """For ILIKE: the text anywhere, its own wildcards taken literally."""
        if not self.text:
            return None
        escaped = self.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"%{escaped}%"

    def chosen(self, name: str) -> str:
        """The value of a choice."""
        return next(choice.value for choice in self.choices if choice.name == name)

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the default is asked for."""
        return bool(self.text) or any(choice.value != choice.options[0][0] for choice in self.choices)

    def address(self, page: int) -> str:
        """The same list at another page."""
        query = {choice.name: choice.value for choice in self.choices if choice.value != choice.options[0][0]}
        query |= {"q": self.text} if self.text else {}
        query |= {"limit": str(self.limit)} if self.limit != _USUAL else {}
        query |= {"page": str(page)} if page > 1 else {}
        return self.path + (f"?{urlencode(query)}" if query else "")


@dataclass(frozen=True)
class ListPage:
    """The rows of one page, and the addresses of its neighbours ("" where there is none)."""

    rows: Sequence[Any]
    first: int
    before: str
    after: str


def parse_query(
    path: str, query: Mapping[str, str], choices: Sequence[tuple[str, str, Sequence[tuple[str, str]]]] = ()
) -> ListQuery:
    """What the query string asks for. choices: name, label and options of each filter."""
    return ListQuery(
        path=path,
        page=_number(query.get("page"), 1, _LAST_PAGE),
        limit=_number(query.get("limit"), _USUAL, _LARGEST),
        text=query.get("q", "").replace("\x00", "").strip()[:_LONGEST_TEXT],
        choices=[_choice(name, label, options, query.get(name)) for name, label, options in choices],
    )


def paginate(asked: ListQuery, rows: Sequence[Any]) -> ListPage:
    """Rows fetched with `asked.window`."""
    more = len(rows) > asked.limit and asked.page < _LAST_PAGE
    return ListPage(
        rows=rows[: asked.limit],
        first=(asked.page - 1) * asked.limit + 1,
        before=asked.address(asked.page - 1) if asked.page > 1 else "",
        after=asked.address(asked.page + 1) if more else "",
    )


def pluralize(number: int, noun: str) -> str:
    """`1 database`, `2 databases`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun[:-1]}ies" if noun[-1] == "y" else f"{number} {noun}s"


def _number(text: str | None, default: int, most: int) -> int:
    if text is None or not text.isascii() or not text.isdigit():
        return default
    return max(1, min(int(text[:9]), most))


def _choice(name: str, label: str, options: Sequence[tuple[str, str]], value: str | None) -> Choice:
    known = {option for option, _ in options}
    return Choice(name, label, options, value if value in known else options[0][0])
