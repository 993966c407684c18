"""The tokens of MySQL's SQL as MariaDB reads it by default, as far as splitting and substituting need them. Pure.

Backslashes escape in both kinds of strings, `--` is a comment only before white space, `#` always is one, comments do
not nest. The text of all tokens joined is the input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from controlplane.blueprints.lexer import Kind, LexError, Token

_LETTER = r"A-Za-z_$\u0080-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\n\r\f\v]+)
    | (?P<line>\#[^\n]*|--(?=[\x00-\x20]|\Z)[^\n]*)
    | (?P<executed>/\*M?!)
    | (?P<block>/\*.*?\*/)
    | (?P<string>[nNbBxX]?'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")
    | (?P<quoted>`(?:[^`]|``)*`)
    | (?P<variable>\{{\{{\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*\}}\}})
    | (?P<word>(?![nNbBxX]')[{_LETTER}][{_LETTER}0-9]*)
    | (?P<number>[0-9]+(?:\.[0-9]*)?)
    | (?P<semicolon>;)
    | (?P<open>['"`]|/\*|[nNbBxX]')
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "space": Kind.SPACE,
    "line": Kind.COMMENT,
    "block": Kind.COMMENT,
    "string": Kind.STRING,
    "quoted": Kind.QUOTED_NAME,
    "word": Kind.WORD,
    "semicolon": Kind.SEMICOLON,
}


def tokens(sql: str) -> Iterator[Token]:
    """Every token in order. Raises LexError where a quote or comment is not closed, or hides SQL."""
    position = 0
    while position < len(sql):
        found = _TOKEN.match(sql, position)
        assert found is not None, "the last alternative takes any character"
        yield _token(sql, found)
        position = found.end()


def _token(sql: str, found: re.Match[str]) -> Token:
    shown = repr(sql[found.start() : found.start() + 20])
    match found.lastgroup:
        case "variable":
            return Token(Kind.VARIABLE, found[0], found["name"])
        case "executed":
            raise LexError(f"a comment that MySQL executes is not allowed, write its SQL plainly: {shown}")
        case "open":
            what = "comment" if found[0] == "/*" else "quote"
            raise LexError(f"unterminated {what} that begins with {shown}")
    return Token(_KINDS.get(found.lastgroup or "", Kind.OTHER), found[0])
