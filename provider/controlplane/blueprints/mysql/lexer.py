"""The tokens of MySQL's SQL as MariaDB reads it by default, as far as splitting and substituting need them. Pure.

Backslashes escape in both kinds of strings, `--` is a comment only before white space, `#` always is one, comments do
not nest. The text of all tokens joined is the input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from controlplane.blueprints.lexer import BOM, LexError, Token, TokenKind, scan, shown

_LETTER = r"A-Za-z_$\u0080-\U0010ffff"
# Possessive: an open quote is found in one pass, and no shorter string is tried.
_TOKEN = re.compile(
    rf"""
      (?P<space>\A{BOM}|[ \t\n\r\f\v]+)
    | (?P<line>\#[^\n]*|--(?=[\x00-\x20]|\Z)[^\n]*)
    | (?P<executed>/\*M?!)
    | (?P<block>/\*.*?\*/)
    | (?P<string>[nNbBxX]?'(?:[^'\\]++|''|\\.)*+'|"(?:[^"\\]++|""|\\.)*+")
    | (?P<quoted>`(?:[^`]++|``)*+`)
    | (?P<variable>\{{\{{\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*\}}\}})
    | (?P<word>(?![nNbBxX]')[{_LETTER}][{_LETTER}0-9]*)
    | (?P<member>(?<=[{_LETTER}0-9`]\.)(?=[0-9]*[{_LETTER}])[{_LETTER}0-9]+)  # a name, even where it looks like 1e5
    | (?P<exponent>[0-9]+[eE][+-]?[0-9]+)
    | (?P<digits>[0-9][{_LETTER}0-9]*[{_LETTER}][{_LETTER}0-9]*)  # a name that begins with a digit, or 0x1f
    | (?P<number>[0-9]+(?:\.(?!\.)[0-9]*(?:[eE][+-]?[0-9]+)?)?)
    | (?P<semicolon>;)
    | (?P<open>['"`]|/\*|[nNbBxX]')
    | (?P<assign>:=)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "space": TokenKind.SPACE,
    "line": TokenKind.COMMENT,
    "block": TokenKind.COMMENT,
    "string": TokenKind.STRING,
    "quoted": TokenKind.QUOTED_NAME,
    "word": TokenKind.WORD,
    "digits": TokenKind.WORD,
    "member": TokenKind.WORD,
    "semicolon": TokenKind.SEMICOLON,
}


def tokens(sql: str) -> Iterator[Token]:
    """Yield every token in order. Raises LexError where a quote or comment is not closed, or hides SQL."""
    return scan(sql, _TOKEN, _token)


def token_at(sql: str, position: int) -> Token:
    """Return the token that begins at the position. Raises LexError."""
    found = _TOKEN.match(sql, position)
    assert found is not None, "the last alternative takes any character"
    return _token(sql, found)


def _token(sql: str, found: re.Match[str]) -> Token:
    start = found.start()
    match found.lastgroup:
        case "variable":
            return Token(TokenKind.VARIABLE, found[0], found["name"])
        case "executed":
            raise LexError(
                f"a comment that MySQL executes is not allowed, write its SQL plainly: {shown(sql, start)}", start
            )
        case "open":
            what = "comment" if found[0] == "/*" else "quote"
            raise LexError(f"unterminated {what} that begins with {shown(sql, start)}", start)
    return Token(_KINDS.get(found.lastgroup or "", TokenKind.OTHER), found[0])
