"""How the API writes values into the SQL of each database engine (api-facts S16)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

Engine = Literal["postgres", "mysql"]
_VARIABLE: Final = r"\{\{\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*\}\}"
# `opaque` is copied unchanged, because `{{` inside it is plain text.
_POSTGRES: Final = rf"""
  (?P<opaque>
      --[^\r\n]*
    | [eE]'(?:[^'\\]++|''|\\.)*+'
    | (?:[uU]&|[bBxXnN])?'(?:[^']++|'')*+'
    | "(?:[^"]++|"")*+"
    | \$(?P<tag>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$ .*? \$(?(tag)(?P=tag))\$
    # A whole word, so that the e of `rate'…'` does not open an escape string. PostgreSQL takes any byte above 7F.
    | (?![eE]')[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*
  )
| (?P<nested>/\*)
| {_VARIABLE}
| (?P<open>['"]|[eE]'|\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$)
| .
"""
# Backslashes escape in both kinds of strings; `--` opens a comment before white space only; comments do not nest.
_MYSQL: Final = rf"""
  (?P<opaque>
      \#[^\n]*
    | --(?=[\x00-\x20]|\Z)[^\n]*
    | /\*.*?\*/
    | [nNbBxX]?'(?:[^'\\]++|''|\\.)*+'
    | "(?:[^"\\]++|""|\\.)*+"
    | `(?:[^`]++|``)*+`
    | (?![nNbBxX]')[A-Za-z_$\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*
  )
| (?P<nested>(?!))
| {_VARIABLE}
| (?P<open>['"`]|[nNbBxX]'|/\*)
| .
"""


@dataclass(frozen=True)
class SqlDialect:
    """What differs between the engines."""

    # A verbose pattern for text that is copied unchanged (`opaque`), the start of a comment that nests (`nested`), a
    # variable (`name`), a quote that is not closed (`open`), or one character.
    pieces: str
    # How a string, and text that runs together with a variable before or after it, begin.
    string_starts: tuple[str, ...]
    quotes: str
    string: Callable[[str], str]  # returns a string literal
    number: Callable[[str], str]  # returns a number literal, from its digits
    identifier: Callable[[str], str | None]  # returns a quoted identifier; None for what cannot be one
    identifier_rule: str  # what an identifier must be, for messages

    @property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of `pieces`."""
        return _compiled(self.pieces)


@functools.cache
def _compiled(pieces: str) -> re.Pattern[str]:
    # Compiled at the first rendering: few programs render anything, and compiling takes long.
    return re.compile(pieces, re.VERBOSE | re.DOTALL)


def _postgres_string(value: str) -> str:
    quoted = value.replace("'", "''")
    return " E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in value else f"'{quoted}'"


def _postgres_number(digits: str) -> str:
    # A space keeps `1-{{n}}` from becoming a comment.
    return f" {digits}" if digits.startswith("-") else digits


def _postgres_identifier(value: str) -> str | None:
    # 63 bytes: PostgreSQL's NAMEDATALEN without its terminator.
    return '"' + value.replace('"', '""') + '"' if 0 < len(value.encode()) <= 63 else None


def _mysql_string(value: str) -> str:
    # The meaning of a backslash depends on sql_mode; hexadecimal digits always mean the same.
    if "\\" in value or any(each < " " or each == "\x7f" for each in value):
        return f" _utf8mb4 x'{value.encode().hex()}'"
    return "'" + value.replace("'", "''") + "'"


def _mysql_number(digits: str) -> str:
    # Parentheses keep `--{{n}}` from becoming a comment.
    return f"({digits})" if digits.startswith("-") else digits


def _mysql_identifier(value: str) -> str | None:
    is_name = 0 < len(value) <= 64 and not value.endswith(" ")
    if not is_name or any(each == "\0" or each > "\uffff" for each in value):
        return None
    return "`" + value.replace("`", "``") + "`"


DIALECTS: Final[dict[Engine, SqlDialect]] = {
    "postgres": SqlDialect(
        _POSTGRES,
        ("'", "e'", "E'", "$"),
        "'\"",
        _postgres_string,
        _postgres_number,
        _postgres_identifier,
        "an identifier of 1-63 bytes",
    ),
    "mysql": SqlDialect(
        _MYSQL,
        ("'", '"'),
        "'\"`$",
        _mysql_string,
        _mysql_number,
        _mysql_identifier,
        "an identifier of 1-64 characters",
    ),
}
