"""Tokens of MySQL's SQL as MariaDB reads it by default, as needed for splitting it and replacing variables. Pure.

Backslashes escape in both kinds of strings, `--` begins a comment only before white space, `#` always begins one,
comments do not nest. The joined texts of all tokens are the input.
"""

from __future__ import annotations

import re
from typing import Final

from controlplane.blueprints.lexer import BOM, Lexer, LexError, Token, TokenKind, shown

_LETTER = r"A-Za-z_$\u0080-\U0010ffff"
# Possessive quantifiers: an open quote is found in one pass, without backtracking to shorter strings.
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


def _token(sql: str, piece: re.Match[str]) -> Token:
    start = piece.start()
    match piece.lastgroup:
        case "variable":
            return Token(TokenKind.VARIABLE, piece[0], piece["name"])
        case "executed":
            raise LexError(
                f"a comment that MySQL executes is not allowed, write its SQL plainly: {shown(sql, start)}", start
            )
        case "open":
            what = "comment" if piece[0] == "/*" else "quote"
            raise LexError(f"unterminated {what} that begins with {shown(sql, start)}", start)
    return Token(_KINDS.get(piece.lastgroup or "", TokenKind.OTHER), piece[0])


_LEXER: Final = Lexer(_TOKEN, _token)
tokens, token_at = _LEXER.tokens, _LEXER.token_at
