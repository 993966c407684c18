"""Find variables whose values would run together with the adjacent text, which the API refuses (api-facts S16). Pure.

A variable stands for a complete literal or identifier. `1{{n}}` would change the number, and `{{a}}{{b}}` would join
two strings. Engines also join two strings with only white space between them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from polykomos.functions.sql_dialects import SqlDialect

# A number that ends with its point.
_POINTED: Final = re.compile(r"(?<![\w$.])[0-9]+\.")
_LONGEST_NUMBER: Final = 400  # characters


class Piece(NamedTuple):
    """A piece of the SQL."""

    text: str
    start: int
    type: str = ""  # the type of the variable; empty for other text

    @property
    def is_silent(self) -> bool:
        """Whether the piece is white space or a comment."""
        return not self.type and (not self.text.strip(" \t\n\r\f\v") or self.text.startswith(("--", "/*", "#")))


def run_together(sql: str, before: Piece | None, piece: Piece, last: Piece | None, dialect: SqlDialect) -> bool:
    """Return whether a piece runs together with the one before it. One of both is a variable.

    Args:
        sql: The SQL.
        before: The piece before; None at the beginning.
        piece: The piece.
        last: The last piece before it that is neither white space nor a comment.
        dialect: The engine's.
    """
    if before is not None and piece.type and _joins_before(sql, before, piece, dialect):
        return True
    if before is not None and before.type and not piece.type and _joins_after(sql, before, piece, dialect):
        return True
    return (
        last is not None and bool(last.type or piece.type) and all(_is_string(each, dialect) for each in (last, piece))
    )


def _joins_before(sql: str, before: Piece, variable: Piece, dialect: SqlDialect) -> bool:
    if before.type:
        return True
    if before.text.endswith("."):
        is_range = sql.endswith("..", 0, variable.start)
        first = max(0, variable.start - _LONGEST_NUMBER)
        pointed = any(found.end() == variable.start for found in _POINTED.finditer(sql, first, variable.start))
        return not is_range and (pointed or variable.type == "number")
    return not before.is_silent and (before.text.endswith("$") or _is_joined(before.text[-1], dialect))


def _joins_after(sql: str, variable: Piece, piece: Piece, dialect: SqlDialect) -> bool:
    if piece.text == ".":
        follows = sql[piece.start + 1 : piece.start + 2]
        return variable.type == "number" and "0" <= follows <= "9"
    return not piece.is_silent and (len(piece.text) > 1 or _is_joined(piece.text, dialect))


def _is_joined(character: str, dialect: SqlDialect) -> bool:
    return character in dialect.quotes or character == "_" or character >= "\x80" or character.isalnum()


def _is_string(piece: Piece, dialect: SqlDialect) -> bool:
    if piece.type:
        return piece.type == "string"
    if piece.text[1:2] == "'" and piece.text[0] in "bBxXnN":
        return True
    return len(piece.text) > 1 and piece.text.startswith(dialect.string_starts)
