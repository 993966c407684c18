"""SQL text into statements. Pure.

A semicolon ends a statement unless it stands in parentheses (rules with several actions) or in the BEGIN ATOMIC body of
a function, as psql has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from controlplane.blueprints.lexer import SPACES, Kind, Token, tokens

_SILENT = (Kind.SPACE, Kind.COMMENT)


@dataclass(frozen=True)
class Statement:
    """One statement: its text without surrounding space, and its tokens without space and comments."""

    text: str
    tokens: tuple[Token, ...]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The tokens in upper case where they are bare words or symbols; quoted ones as they stand."""
        return tuple(t.text.upper() if t.kind is Kind.WORD else t.text for t in self.tokens)


def split(sql: str) -> list[Statement]:
    """The statements of `sql`, those without content left out. Raises LexError."""
    found: list[Statement] = []
    current: list[Token] = []
    nesting = _Nesting()
    for token in tokens(sql):
        if token.kind is Kind.SEMICOLON and nesting.outside:
            _finish(current, found)
            current, nesting = [], _Nesting()
            continue
        current.append(token)
        nesting.see(token)
    _finish(current, found)
    return found


def _finish(current: list[Token], found: list[Statement]) -> None:
    loud = tuple(token for token in current if token.kind not in _SILENT)
    if loud:
        found.append(Statement("".join(token.text for token in current).strip(SPACES), loud))


class _Nesting:
    """How deep in parentheses and in a BEGIN ATOMIC body one is."""

    def __init__(self) -> None:
        self._parentheses = 0
        self._blocks = 0
        self._words: list[str] = []

    @property
    def outside(self) -> bool:
        return self._parentheses <= 0 and self._blocks == 0

    def see(self, token: Token) -> None:
        if token.kind is Kind.OTHER:
            self._parentheses += {"(": 1, ")": -1}.get(token.text, 0)
        elif token.kind is Kind.WORD:
            self._see_word(token.text.upper())

    def _see_word(self, word: str) -> None:
        before = self._words[-1] if self._words else ""
        if self._blocks:
            if word == "CASE" or (word == "ATOMIC" and before == "BEGIN"):
                self._blocks += 1
            elif word == "END":
                self._blocks -= 1
        elif word == "ATOMIC" and before == "BEGIN" and self._makes_routine():
            self._blocks = 1
        self._words.append(word)

    def _makes_routine(self) -> bool:
        head = [word for word in self._words[:4] if word not in ("OR", "REPLACE")]
        return head[:1] == ["CREATE"] and head[1:2] in (["FUNCTION"], ["PROCEDURE"])
