"""The tokens of PostgreSQL's SQL, as far as splitting and substituting need them. Pure.

Follows the server's own scanner: standard-conforming strings, E'' with backslashes, dollar quotes, nested comments. The
text of all tokens joined is the input, so nothing is ever lost or invented.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, NamedTuple


class TokenKind(Enum):
    """What a token is."""

    SPACE = "space"
    COMMENT = "comment"
    STRING = "string"
    QUOTED_NAME = "quoted name"
    WORD = "word"
    VARIABLE = "variable"
    SEMICOLON = ";"
    OTHER = "other"


class Token(NamedTuple):
    """A piece of the text. name: of a VARIABLE, without its braces."""

    kind: TokenKind
    text: str
    name: str = ""


class LexError(ValueError):
    """The text cannot be read from the offset `at`: it ends inside a string, a quoted name or a comment."""

    def __init__(self, reason: str, at: int = 0) -> None:
        super().__init__(reason)
        self.at = at


# The server's white space; to it, what else Unicode calls a space is a letter.
SPACES: Final = " \t\n\r\f\v"
# The byte order mark that some editors put at the beginning of a file: space there, part of a name anywhere else.
BOM: Final = "\ufeff"

_LETTER = r"A-Za-z_\u0080-\U0010ffff"
# Possessive: an open quote is found in one pass, and no shorter string is tried.
_ESCAPED = r"'(?:[^'\\]++|''|\\.)*+'"
# A string goes on behind white space that holds the end of a line; the server counts line comments as such space.
_GOES_ON = r"(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*+[\n\r])*+"
_TOKEN = re.compile(
    rf"""
      (?P<space>\A{BOM}|[ \t\n\r\f\v]+)
    | (?P<line>--[^\n\r]*)
    | (?P<block>/\*)
    | (?P<escape>[eE]{_ESCAPED}(?:{_GOES_ON}{_ESCAPED})*)
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


def tokens(sql: str) -> Iterator[Token]:
    """Yield every token in order. Raises LexError where a quote or comment is not closed."""
    return scan(sql, _TOKEN, _token)


def token_at(sql: str, position: int) -> Token:
    """Return the token that begins at the position. Raises LexError."""
    found = _TOKEN.match(sql, position)
    assert found is not None, "the last alternative takes any character"
    return _token(sql, found)


def scan(sql: str, pattern: re.Pattern[str], token_of: Callable[[str, re.Match[str]], Token]) -> Iterator[Token]:
    """Yield the tokens that `token_of` makes of what the pattern matches, one behind the other.

    Equal short tokens are one object: most of a text consists of few of them.
    """
    seen: dict[str, Token] = {}
    position = 0
    while position < len(sql):
        found = pattern.match(sql, position)
        assert found is not None, "the last alternative takes any character"
        matched = found[0]
        token = seen.get(matched)
        if token is None:
            token = token_of(sql, found)
            if token.text == matched and len(matched) <= _SHORT:
                seen[matched] = token
        yield token
        position += len(token.text)


def _token(sql: str, found: re.Match[str]) -> Token:
    start = found.start()
    match found.lastgroup:
        case "block":
            return Token(TokenKind.COMMENT, sql[start : _comment_end(sql, start)])
        case "dollar":
            end = sql.find(found[0], found.end())
            if end < 0:
                raise LexError(f"unterminated dollar quote that begins with {shown(sql, start)}", start)
            return Token(TokenKind.STRING, sql[start : end + len(found[0])])
        case "variable":
            return Token(TokenKind.VARIABLE, found[0], found["name"])
        case "open":
            raise LexError(f"unterminated quote that begins with {shown(sql, start)}", start)
    return Token(_KINDS.get(found.lastgroup or "", TokenKind.OTHER), found[0])


def _comment_end(sql: str, start: int) -> int:
    """Behind the comment that begins at `start`; comments nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise LexError(f"unterminated comment that begins with {shown(sql, start)}", start)


def shown(sql: str, start: int) -> str:
    """Return how the text begins at `start`, for a message."""
    return repr(sql[start : start + 20])
