"""Split SQL text into statements by MariaDB's grammar. Pure.

A semicolon ends a statement unless it stands in the body of a routine, trigger, event or package, or in a compound
statement. Bodies are found by the grammar, so DELIMITER is not needed, which is a command of the mysql program. Time
and memory grow linearly with the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from controlplane.blueprints.lexer import Token
from controlplane.blueprints.mysql.compound_bodies import CompoundBodies
from controlplane.blueprints.mysql.lexer import tokens
from controlplane.blueprints.mysql.program_headers import body_start
from controlplane.blueprints.mysql.token_reader import TokenReader
from controlplane.blueprints.splitter import SILENT, Statement, assemble


def split(sql: str) -> list[Statement]:
    """Return the statements of `sql` without empty ones. Raise LexError if a quote or comment is not closed."""
    return statements(list(tokens(sql)))


def statements(every: Sequence[Token]) -> list[Statement]:
    """Return the statements of all tokens of a text."""
    return assemble(every, _ends(every))


def _ends(every: Sequence[Token]) -> Iterator[int]:
    """Yield the positions of the semicolons that end a statement."""
    places = [at for at, token in enumerate(every) if token.kind not in SILENT]
    words = TokenReader(every, places)
    at = 0
    while at < len(places):
        end = _end(words, at)
        if end < len(places):
            yield places[end]
        at = end + 1


def _end(words: TokenReader, at: int) -> int:
    """Return the position of the semicolon that ends the statement at `at`, or the position after the last word."""
    start = body_start(words, at)
    return words.semicolon(at) if start is None else CompoundBodies(words).end(start.at, start.opened)
