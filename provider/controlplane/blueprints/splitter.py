"""Split SQL text into statements by PostgreSQL's grammar. Pure.

A semicolon ends a statement unless it stands in parentheses (a rule with several actions) or in the BEGIN ATOMIC body
of a function or procedure. END closes such a body only at a position where a statement may begin. Elsewhere it belongs
to CASE or is a name. Time and memory grow linearly with the text.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from controlplane.blueprints.lexer import BOM, SPACES, Token, TokenKind, tokens

SILENT: Final = (TokenKind.SPACE, TokenKind.COMMENT)


@dataclass(frozen=True)
class Statement:
    """One statement."""

    text: str  # without surrounding space
    tokens: tuple[Token, ...]  # without space and comments
    start: int = 0  # offset of the text in the SQL that was split, in characters
    first: int = 0  # offset of the first token

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Return the texts of the tokens, words in upper case."""
        return tuple(t.text.upper() if t.kind is TokenKind.WORD else t.text for t in self.tokens)


def split(sql: str) -> list[Statement]:
    """Return the statements of `sql` without empty ones. Raise LexError if a quote or comment is not closed."""
    return statements(list(tokens(sql)))


def statements(every: Sequence[Token]) -> list[Statement]:
    """Return the statements of all tokens of a text."""
    return assemble(every, _ends(every))


def assemble(every: Sequence[Token], ends: Iterable[int]) -> list[Statement]:
    """Return the statements of a text. `ends` are the positions of the semicolons that end a statement."""
    result: list[Statement] = []
    begin = offset = 0
    for end in (*ends, len(every)):
        full_text = "".join([token.text for token in every[begin:end]])
        significant = tuple([token for token in every[begin:end] if token.kind not in SILENT])
        if significant:
            text = full_text.removeprefix(BOM).lstrip(SPACES)
            head = itertools.takewhile(lambda token: token.kind in SILENT, every[begin:end])
            first = offset + sum(len(token.text) for token in head)
            result.append(Statement(text.rstrip(SPACES), significant, offset + len(full_text) - len(text), first))
        offset += len(full_text) + 1
        begin = end + 1
    return result


def _ends(every: Sequence[Token]) -> Iterator[int]:
    """Yield the positions of the semicolons that end a statement."""
    position = _Position()
    for at, token in enumerate(every):
        if token.kind is TokenKind.SEMICOLON:
            if position.at_semicolon():
                yield at
        elif token.kind not in SILENT:
            position.advance(token)


class _Position:
    """The position of the scan in the grammar, as needed for semicolons."""

    def __init__(self) -> None:
        self._parentheses = 0
        self._bodies = 0
        self._head: list[str] = []  # up to four first words of the statement
        self._before = ""

    def at_semicolon(self) -> bool:
        """Pass a semicolon, and return whether it ends the statement."""
        if self._parentheses:
            self._before = ""
            return False
        self._head, self._before = [], ""
        return self._bodies == 0

    def advance(self, token: Token) -> None:
        """Pass any other token that is neither space nor comment."""
        word = token.text.upper() if token.kind is TokenKind.WORD else ""
        if token.text == "(":
            self._parentheses += 1
        elif token.text == ")":
            self._parentheses = max(0, self._parentheses - 1)
        elif not self._parentheses:
            if word == "END" and self._bodies and not self._head:
                self._bodies -= 1
            elif word == "ATOMIC" and self._before == "BEGIN" and self._creates_routine():
                self._bodies += 1
                self._head, self._before = [], ""
                return
            if len(self._head) < 4:
                self._head.append(word)
        self._before = word

    def _creates_routine(self) -> bool:
        head = self._head
        if head[1:3] == ["OR", "REPLACE"]:
            head = [head[0], *head[3:]]
        return head[:1] == ["CREATE"] and head[1:2] in (["FUNCTION"], ["PROCEDURE"])
