"""Tokens of PostgreSQL's SQL, as needed for splitting it and replacing variables. Pure.

The rules are those of the server's scanner: standard-conforming strings, E'' with backslashes, dollar quotes, nested
comments. The joined texts of all tokens are the input, so no text is lost or added.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, NamedTuple


class TokenKind(Enum):
    """The kinds of tokens."""

    SPACE = "space"
    COMMENT = "comment"
    STRING = "string"
    QUOTED_NAME = "quoted name"
    WORD = "word"
    VARIABLE = "variable"
    SEMICOLON = ";"
    OTHER = "other"


class Token(NamedTuple):
    """A piece of the text."""

    kind: TokenKind
    text: str
    name: str = ""  # of a VARIABLE, without its braces


class LexError(ValueError):
    """The text cannot be read from the offset `at`; for example, it ends inside a string or a comment."""

    def __init__(self, reason: str, at: int = 0) -> None:
        super().__init__(reason)
        self.at = at


# The server's white space. It treats all other white space of Unicode as letters.
SPACES: Final = " \t\n\r\f\v"
# The byte order mark that some editors write. It is white space at the beginning of a text, part of a name elsewhere.
BOM: Final = "\ufeff"

_LETTER = r"A-Za-z_\u0080-\U0010ffff"
# Possessive quantifiers: an open quote is found in one pass, without backtracking to shorter strings.
_ESCAPED = r"'(?:[^'\\]++|''|\\.)*+'"
# A string continues after white space with a line end. The server treats line comments as such white space.
_CONTINUATION = r"(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*+[\n\r])*+"
_TOKEN = re.compile(
    rf"""
      (?P<space>\A{BOM}|[ \t\n\r\f\v]+)
    | (?P<line>--[^\n\r]*)
    | (?P<block>/\*)
    | (?P<escape>[eE]{_ESCAPED}(?:{_CONTINUATION}{_ESCAPED})*)
    | (?P<string>(?:[uU]&|[bBxXnN])?'(?:[^']++|'')*+')
    | (?P<quoted>(?:[uU]&)?"(?:[^"]++|"")*+")
    | (?P<dollar>\$(?P<tag>(?:[{_LETTER}][{_LETTER}0-9]*)?)\$)
    | (?P<variable>\{{\{{\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*\}}\}})
    | (?P<word>(?![eE]')[{_LETTER}][{_LETTER}0-9$]*)
    | (?P<number>[0-9]+(?:\.[0-9]*)?)
    | (?P<semicolon>;)
    | (?P<open>['"]|[eE]')
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "space": TokenKind.SPACE,
    "line": TokenKind.COMMENT,
    "string": TokenKind.STRING,
    "escape": TokenKind.STRING,
    "quoted": TokenKind.QUOTED_NAME,
    "word": TokenKind.WORD,
    "semicolon": TokenKind.SEMICOLON,
}
_SHORT: Final = 40  # characters of a token that is shared
_COMMENT_EDGE = re.compile(r"/\*|\*/")


class Lexer:
    """Reads the tokens of one engine by a pattern that matches at every position.

    `token_of` returns the token of a match, which may be longer than the match.
    """

    def __init__(self, pattern: re.Pattern[str], token_of: Callable[[str, re.Match[str]], Token]) -> None:
        self._match = pattern.match
        self._token_of = token_of

    def token_at(self, sql: str, position: int) -> Token:
        """Return the token that begins at a position. Raise LexError as `tokens` does."""
        match = self._match(sql, position)
        assert match is not None, "the last alternative matches any character"
        return self._token_of(sql, match)

    def tokens(self, sql: str) -> Iterator[Token]:
        """Yield every token in order. Equal short tokens share one object, because most of a text repeats a few.

        Raises:
            LexError: A quote or comment is not closed, or the engine's rules exclude the token.
        """
        seen: dict[str, Token] = {}
        position = 0
        while position < len(sql):
            match = self._match(sql, position)
            assert match is not None, "the last alternative matches any character"
            matched = match[0]
            token = seen.get(matched)
            if token is None:
                token = self._token_of(sql, match)
                if token.text == matched and len(matched) <= _SHORT:
                    seen[matched] = token
            yield token
            position += len(token.text)


def _token(sql: str, piece: re.Match[str]) -> Token:
    start = piece.start()
    match piece.lastgroup:
        case "block":
            return Token(TokenKind.COMMENT, sql[start : _comment_end(sql, start)])
        case "dollar":
            end = sql.find(piece[0], piece.end())
            if end < 0:
                raise LexError(f"unterminated dollar quote that begins with {shown(sql, start)}", start)
            return Token(TokenKind.STRING, sql[start : end + len(piece[0])])
        case "variable":
            return Token(TokenKind.VARIABLE, piece[0], piece["name"])
        case "open":
            raise LexError(f"unterminated quote that begins with {shown(sql, start)}", start)
    return Token(_KINDS.get(piece.lastgroup or "", TokenKind.OTHER), piece[0])


def _comment_end(sql: str, start: int) -> int:
    """Return the position after the comment that begins at `start`. Comments nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise LexError(f"unterminated comment that begins with {shown(sql, start)}", start)


def shown(sql: str, start: int) -> str:
    """Return the beginning of the text at `start`, for a message."""
    return repr(sql[start : start + 20])


_LEXER: Final = Lexer(_TOKEN, _token)
tokens, token_at = _LEXER.tokens, _LEXER.token_at
