"""Reader of MariaDB's SQL by position: words, names, and ends of expressions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from controlplane.blueprints.lexer import Token, TokenKind

NAME: Final = "`"  # represents a quoted name, and a word that can only be a name
VALUE: Final = "'"  # represents a string or a variable of the blueprint

# Reserved words after which an expression continues. Words of subqueries are not needed, which are in parentheses.
_PREFIXES: Final = frozenset({"NOT", "BINARY", "CASE", "INTERVAL", "WHEN", "THEN", "ELSE", "LIKE"})
_OPERATORS: Final = frozenset(
    {"AND", "OR", "XOR", "NOT", "DIV", "MOD", "LIKE", "RLIKE", "REGEXP", "IN", "BETWEEN", "ESCAPE", "COLLATE", "IS",
     "SOUNDS", "OF", "WHEN", "THEN", "ELSE", "FOR", "TO", "AT", "EVERY", "STARTS", "ENDS"}
)  # fmt: skip
_SYMBOLS: Final = frozenset("+-*/%<>=!&|^~,.") | {":="}


class TokenReader:
    """The tokens of a text as upper-case words. After the end, each word is ""."""

    def __init__(self, every: Sequence[Token], positions: list[int]) -> None:
        """Take the tokens of a text, and the positions of those that are neither space nor comment."""
        self._words = [_word(every[position]) for position in positions]
        for at, word in enumerate(self._words):
            if word[:1].isalpha() and (self._is_member(positions, at) or self._has_member(positions, at)):
                self._words[at] = NAME

    def _is_member(self, positions: list[int], at: int) -> bool:
        """Return whether a dot or an @ directly precedes the word at `at`, which is a name then.

        After two dots it is none: `1..CASE` is a range.
        """
        if at == 0 or positions[at] != positions[at - 1] + 1:
            return False
        before = self._words[at - 1]
        return before == "@" or (before == "." and (at == 1 or self._words[at - 2] != "."))

    def _has_member(self, positions: list[int], at: int) -> bool:
        """Return whether a dot and a name directly follow the word at `at`, which is a name then, even CASE."""
        if self[at + 1] != "." or positions[at + 2 : at + 3] != [positions[at] + 2]:
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
        """Return the position of the next semicolon from `at`, or the position after the last word."""
        try:
            return self._words.index(";", at)
        except ValueError:
            return len(self._words)

    def qualified_name(self, at: int) -> int:
        """Return the position after the possibly qualified name at `at`, or `at` if a semicolon stands there."""
        if self[at] in (";", ""):
            return at
        at += 2 if self[at] == "." else 1
        while self[at] == ".":
            at += 2
        return at

    def parentheses(self, at: int) -> int:
        """Return the position after the parentheses at `at`, or of a semicolon in them, or `at` if there are none."""
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
        """Return the position of the first of `stops` after the expression at `at`.

        A stop counts only at a position where an operator may stand. Where an operand must stand, END or DO is a name.
        CASE … END inside the expression and everything in parentheses belong to it. An expression contains no
        semicolon, so a semicolon ends the search too.
        """
        open_: list[str] = []
        operand = True  # whether an operand must come next
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
