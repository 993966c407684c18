"""Read the words of MariaDB's SQL by position: names, and where an expression ends. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from controlplane.blueprints.lexer import Token, TokenKind

NAME: Final = "`"  # stands for a quoted name, and for a word that can only be a name
VALUE: Final = "'"  # stands for a string or a variable of the blueprint

# Reserved words behind which an expression goes on. Only those of a bare expression: subqueries stand in parentheses.
_PREFIXES: Final = frozenset({"NOT", "BINARY", "CASE", "INTERVAL", "WHEN", "THEN", "ELSE", "LIKE"})
_OPERATORS: Final = frozenset(
    {"AND", "OR", "XOR", "NOT", "DIV", "MOD", "LIKE", "RLIKE", "REGEXP", "IN", "BETWEEN", "ESCAPE", "COLLATE", "IS",
     "SOUNDS", "OF", "WHEN", "THEN", "ELSE", "FOR", "TO", "AT", "EVERY", "STARTS", "ENDS"}
)  # fmt: skip
_SYMBOLS: Final = frozenset("+-*/%<>=!&|^~,.") | {":="}


class TokenReader:
    """The tokens of a text as upper-case words; "" behind the end."""

    def __init__(self, every: Sequence[Token], places: list[int]) -> None:
        """Take the tokens of a text, and the positions of those that are neither space nor comment."""
        self._words = [_word(every[place]) for place in places]
        for at, word in enumerate(self._words):
            if word[:1].isalpha() and (self._is_member(places, at) or self._has_member(places, at)):
                self._words[at] = NAME

    def _is_member(self, places: list[int], at: int) -> bool:
        """Return whether a dot or an @ stands directly before `at`: any word is a name then. `1..CASE` is a range."""
        if at == 0 or places[at] != places[at - 1] + 1:
            return False
        before = self._words[at - 1]
        return before == "@" or (before == "." and (at == 1 or self._words[at - 2] != "."))

    def _has_member(self, places: list[int], at: int) -> bool:
        """Return whether a dot and a name follow `at` directly: then it is a name too, even CASE."""
        if self[at + 1] != "." or places[at + 2 : at + 3] != [places[at] + 2]:
            return False
        return self._words[at + 2][:1].isalnum() or self._words[at + 2][:1] in ("_", "$")

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, at: int) -> str:
        return self._words[at] if at < len(self._words) else ""

    def has(self, at: int, *words: str) -> bool:
        """Return whether these words stand at `at`."""
        return all(self[at + number] == word for number, word in enumerate(words))

    def semicolon(self, at: int) -> int:
        """Return the position of the next semicolon from `at`, or behind the last word."""
        try:
            return self._words.index(";", at)
        except ValueError:
            return len(self._words)

    def qualified_name(self, at: int) -> int:
        """Return the position behind the possibly qualified name at `at`; `at` where a semicolon stands instead."""
        if self[at] in (";", ""):
            return at
        at += 2 if self[at] == "." else 1
        while self[at] == ".":
            at += 2
        return at

    def parentheses(self, at: int) -> int:
        """Return the position behind the parentheses at `at`, or of a semicolon in them; `at` if none open."""
        depth = 0
        while at < len(self):
            word = self._words[at]
            if word == "(":
                depth += 1
            elif word == ")":
                depth -= 1
            if depth <= 0 or word == ";":
                return at + 1 if word == ")" else at
            at += 1
        return at

    def expression(self, at: int, stops: Collection[str]) -> int:
        """Return the position of the first of `stops` behind the expression at `at`.

        A stop counts where an operator may stand: where an operand must, END or DO is a name. CASE … END inside the
        expression and all in parentheses belong to it. No expression holds a semicolon, so one ends the search too.
        """
        open_: list[str] = []
        operand = True  # whether one must come next
        while at < len(self):
            word = self._words[at]
            if word == ";" or (word in stops and not open_ and not operand):
                return at
            if word in ("(", "CASE"):
                open_.append(word)
                operand = True
            elif (word == ")" and open_[-1:] == ["("]) or (word == "END" and not operand and open_[-1:] == ["CASE"]):
                open_.pop()
                operand = False
            elif operand:
                operand = word in _PREFIXES or word in _SYMBOLS
            else:
                operand = word in _OPERATORS or word in _SYMBOLS
            at += 1
        return at


def _word(token: Token) -> str:
    if token.kind is TokenKind.WORD:
        return token.text.upper()
    if token.kind is TokenKind.QUOTED_NAME:
        return NAME
    return VALUE if token.kind in (TokenKind.STRING, TokenKind.VARIABLE) else token.text
