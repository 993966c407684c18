"""Built-in patterns for queries in plain language: the samples of the API reference and close relatives. Pure.

A pattern matches a whole text or not at all, and each name in it must be a table or column of the database. Any other
text is not understood, because a wrong guess would run (docs/decisions/0012-queries.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from controlplane.blueprints.dialects import MYSQL, Dialect
from controlplane.queries.errors import TranslationError
from controlplane.queries.schema import Schema, Table

_MAX_ROWS: Final = 100  # the LIMIT that the reference's samples show
_MAX_LISTED: Final = 20  # tables that a message names
_ORIGIN_COLUMNS: Final = ("company", "company_name", "organization", "country", "city")
_CREATION_COLUMNS: Final = ("created_at", "created", "created_on", "date_created")
_LABEL_COLUMNS: Final = ("name", "title")
_QUOTED: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`""")
_TOKENS: Final = re.compile(rf"{_QUOTED.pattern}|,|[^\s,]+")
_SPACES: Final = re.compile(rf"({_QUOTED.pattern})|\s+")
# An unquoted value with one of these words is more than a value.
_NOT_A_VALUE: Final = re.compile(
    r"(?:^| )(?:and|or|not|where|with|without|who|whose|that|which|having|from|to|in|at|for|on|by|per|is|are|was"
    r"|created|updated|since|before|after|between|until|over|under|above|below|than|except|but|ordered|sorted|order|sort"
    r"|group|limit|top|last|this|next|past|today|yesterday|tomorrow|all|every|each|any|null|january|february|march|april"
    r"|may|june|july|august|september|october|november|december|(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?:$| )",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Translation:
    """SQL for a query."""

    sql: str
    # A query that returns a row exactly if there are more rows than the LIMIT that the pattern added.
    beyond: str | None = None


def translate(text: str, schema: Schema, dialect: Dialect, now: datetime) -> Translation:
    """Return the SQL of the pattern that the text matches.

    A month begins at midnight UTC.

    Raises:
        TranslationError: No pattern matches, or a name or value is ambiguous. The message says which.
    """
    collapsed = _SPACES.sub(lambda space: space[1] or " ", text.strip()).rstrip("?! ")
    for pattern, build in _PATTERNS:
        match = re.fullmatch(pattern, collapsed, re.IGNORECASE | re.DOTALL)
        if match is not None:
            return build(_Builder(schema, dialect, now), match)
    raise TranslationError("No built-in pattern matches it.")


@dataclass(frozen=True)
class _Builder:
    schema: Schema
    dialect: Dialect
    now: datetime

    def tables(self, match: re.Match[str]) -> Translation:
        function = "DATABASE()" if self.dialect is MYSQL else "CURRENT_SCHEMA()"
        source = f"FROM information_schema.tables WHERE table_schema = {function}"
        if match["count"]:
            return Translation(f"SELECT COUNT(*) AS count {source}")
        return Translation(f"SELECT table_name {source} ORDER BY table_name LIMIT {_MAX_ROWS}")

    def rows(self, match: re.Match[str]) -> Translation:
        return self._select(self._table(match["table"]))

    def rows_from(self, match: re.Match[str]) -> Translation:
        table, value = self._table(match["table"]), _value(_TOKENS.findall(match["value"]))
        return self._select(table, f"{self._column(table, _ORIGIN_COLUMNS)} = {self.dialect.literals.string(value)}")

    def rows_created_this_month(self, match: re.Match[str]) -> Translation:
        table = self._table(match["table"])
        column = self._column(table, _CREATION_COLUMNS)
        start = self.now.astimezone(UTC).date().replace(day=1)
        end = (start + timedelta(days=31)).replace(day=1)
        return self._select(table, f"{column} >= '{start}' AND {column} < '{end}'")

    def count(self, match: re.Match[str]) -> Translation:
        table = self._name(self._table(match["table"]).name)
        return Translation(f"SELECT COUNT(*) AS count FROM {table}")  # noqa: S608 - quoted

    def insert(self, match: re.Match[str]) -> Translation:
        tokens = _TOKENS.findall(match["rest"])
        table = self._table(tokens[0])
        end = next((at for at, token in enumerate(tokens) if token.lower() == "with"), len(tokens))
        values = {self._column(table, _LABEL_COLUMNS): _value(tokens[1:end])} if end > 1 else {}
        for is_assignment, part in groupby(tokens[end + 1 :], lambda token: token.lower() not in (",", "and")):
            if not is_assignment:
                continue
            name, *value = part
            column = self._column(table, [_unquoted(name)])
            if column in values:
                raise TranslationError(f"It gives {column} two values.")
            values[column] = _value(value, is_assigned=True)
        if not values or end == len(tokens) - 1:
            raise TranslationError(f"It gives no value for a column of {table.name}.")
        literals = ", ".join(map(self.dialect.literals.string, values.values()))
        return Translation(f"INSERT INTO {self._name(table.name)} ({', '.join(values)}) VALUES ({literals})")  # noqa: S608

    def delete(self, match: re.Match[str]) -> Translation:
        name, *value = _TOKENS.findall(match["rest"])
        table = self._table(name)
        if len(value) == 1 and re.fullmatch("[0-9]+", value[0]) and table.primary_key is not None:
            condition = f"{self._name(table.primary_key)} = {value[0]}"
        else:
            condition = f"{self._column(table, _LABEL_COLUMNS)} = {self.dialect.literals.string(_value(value))}"
        return Translation(f"DELETE FROM {self._name(table.name)} WHERE {condition}")  # noqa: S608 - quoted

    def _select(self, table: Table, condition: str = "") -> Translation:
        where = f" WHERE {condition}" if condition else ""
        body = f"SELECT * FROM {self._name(table.name)}{where} LIMIT"  # noqa: S608 - every name and value is quoted
        return Translation(f"{body} {_MAX_ROWS}", f"{body} 1 OFFSET {_MAX_ROWS}")

    def _name(self, name: str) -> str:
        quoted = self.dialect.literals.identifier(name)
        if quoted is None:
            raise TranslationError(f"{name!r} is not {self.dialect.literals.identifier_is}.")
        return quoted

    def _table(self, token: str) -> Table:
        """Return the table of this name, else the one table whose name differs only in case, singular or plural."""
        name = _unquoted(token)
        tables = self.schema.tables
        found = [table for table in tables if table.name == name] or [
            table for table in tables if not _numbers_of(name).isdisjoint(_numbers_of(table.name))
        ]
        if len(found) != 1:
            names = [table.name for table in found or tables]
            listed = ", ".join(names[:_MAX_LISTED]) + (", …" if len(names) > _MAX_LISTED else "" if names else "none")
            raise TranslationError(
                f"{'Several tables match' if found else 'No table matches'} {name!r}. Tables: {listed}."
            )
        return found[0]

    def _column(self, table: Table, names: Sequence[str]) -> str:
        """Return the one column of the table that has one of these names, quoted."""
        found = [column.name for column in table.columns if _key(column.name) in map(_key, names)]
        if len(found) != 1:
            which = f"has several of the columns {', '.join(found)}" if found else f"has no column {' or '.join(names)}"
            raise TranslationError(f"It is not clear which column is meant: {table.name} {which}.")
        return self._name(found[0])


def _value(tokens: Sequence[str], *, is_assigned: bool = False) -> str:
    """Return a quoted value, or an unquoted one that begins with a capital letter (assigned: or is one word)."""
    text = " ".join(tokens)
    if len(tokens) == 1 and _QUOTED.fullmatch(text):
        return _unquoted(text)
    is_plain = text[:1].isupper() or (is_assigned and len(tokens) == 1)
    has_more = "," in tokens or any(map(_QUOTED.fullmatch, tokens))
    if not is_plain or has_more or _NOT_A_VALUE.search(text):
        raise TranslationError(f"Put the value {text!r} in quotes." if text else "A value is missing.")
    return text


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.lower())


def _numbers_of(name: str) -> set[str]:
    """Return the name and what may be its singular, in lower case: two names match when these have one in common."""
    key = _key(name)
    return {key, re.sub("s$", "", key), re.sub("es$", "", key), re.sub("ies$", "y", key)}


def _unquoted(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0]) if _QUOTED.fullmatch(text) else text


_SHOW: Final = "(?:show|list|get)(?: me)?(?: all)?(?: the)?"
_COUNT: Final = "(?:count|how many)(?: all)?(?: the)?"
_TABLE: Final = r"(?P<table>\S+(?: \S+){0,3}?)"
_PATTERNS: Final[tuple[tuple[str, Callable[[_Builder, re.Match[str]], Translation]], ...]] = (
    (f"(?:(?P<count>{_COUNT})|{_SHOW}) tables(?: are there)?", _Builder.tables),
    (f"{_SHOW} {_TABLE} from (?P<value>.+)", _Builder.rows_from),
    (f"{_SHOW} {_TABLE} created this month", _Builder.rows_created_this_month),
    (f"{_SHOW} {_TABLE}", _Builder.rows),
    (f"{_COUNT} {_TABLE}(?: are there)?", _Builder.count),
    ("add(?: an?)?(?: new)? (?P<rest>.+)", _Builder.insert),
    ("delete(?: the)? (?P<rest>.+)", _Builder.delete),
)
