"""SQL text into statements, by MySQL's rules. Pure.

The bodies of routines and triggers hold semicolons of their own. They are recognised by their blocks (BEGIN, CASE, IF,
LOOP, WHILE, REPEAT, FOR … END), so that no DELIMITER is needed, which is a command of a client program anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from controlplane.blueprints.lexer import SPACES, Kind, LexError, Token
from controlplane.blueprints.mysql.lexer import tokens
from controlplane.blueprints.splitting import Statement

_SILENT: Final = (Kind.SPACE, Kind.COMMENT)
_WITH_BODY: Final = frozenset({"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"})
_ENDED: Final = frozenset({"IF", "CASE", "LOOP", "WHILE", "REPEAT", "FOR"})
# What stands before a statement inside a body.
_BEFORE_STATEMENT: Final = frozenset(
    {";", ":", ")", "THEN", "ELSE", "DO", "BEGIN", "LOOP", "REPEAT", "ROW", "DETERMINISTIC", "SQL", "DATA", "DEFINER",
     "INVOKER"}
)  # fmt: skip


def split(sql: str) -> list[Statement]:
    """The statements of `sql`, those without content left out. Raises LexError."""
    every = list(tokens(sql))
    found: list[Statement] = []
    start = 0
    while start < len(every):
        end = _end(every, start)
        _finish(every[start:end], found)
        start = end + 1
    return found


def _finish(piece: Sequence[Token], found: list[Statement]) -> None:
    loud = tuple(token for token in piece if token.kind not in _SILENT)
    if not loud:
        return
    if loud[0].kind is Kind.WORD and loud[0].text.upper() == "DELIMITER":
        raise LexError(
            "DELIMITER is a command of the mysql program, not SQL: leave it out, bodies of routines and triggers are"
            " recognised as they are"
        )
    found.append(Statement("".join(token.text for token in piece).strip(SPACES), loud))


def _end(every: Sequence[Token], start: int) -> int:
    """The position of the semicolon that ends the statement at `start`, or behind the last token."""
    loud = [(at, token) for at, token in enumerate(every[start:], start) if token.kind not in _SILENT]
    words = [token.text.upper() if token.kind in (Kind.WORD, Kind.SEMICOLON, Kind.OTHER) else "" for _, token in loud]
    first_end = words.index(";") if ";" in words else len(words)
    has_body = words[:1] == ["CREATE"] and _WITH_BODY.intersection(words[:first_end])
    depth = 0
    skip = False
    for number, word in enumerate(words):
        if word == ";" and depth <= 0:
            return loud[number][0]
        if skip:
            skip = False
        elif has_body and (number == 0 or words[number - 1] != "."):
            if word == "END":
                depth -= 1
                skip = words[number + 1 : number + 2] != [] and words[number + 1] in _ENDED
            elif _opens(words, number):
                depth += 1
    return len(every)


def _opens(words: Sequence[str], at: int) -> bool:
    """Whether the word begins something that has an END."""
    word = words[at]
    after = list(words[at + 1 : at + 3])
    if word in ("BEGIN", "CASE", "LOOP", "WHILE"):
        return True
    if word == "REPEAT":
        return after[:1] != ["("]
    if word == "FOR":
        return after[1:2] == ["IN"]
    return word == "IF" and words[at - 1] in _BEFORE_STATEMENT and not _calls_if(words, at + 1)


def _calls_if(words: Sequence[str], at: int) -> bool:
    """Whether an IF is the function: its parentheses hold a comma."""
    if words[at : at + 1] != ["("]:
        return False
    depth = 0
    for word in words[at:]:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == "," and depth == 1:
            return True
        if depth == 0:
            return False
    return False
