"""Find variables whose values would run together with what stands beside them. Pure.

A variable stands for a whole literal or identifier. `1{{n}}` would make another number of its value, `{{a}}{{b}}` one
string of two. Engines also read two strings with nothing but space between them as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from controlplane.blueprints.lexer import Token, TokenKind

_REASON: Final = (
    "a variable stands for a whole literal or identifier, so its value never runs together with what stands beside it:"
    " {}. Put an operator between them; || or concat() joins strings"
)
_JOINED: Final = (TokenKind.VARIABLE, TokenKind.STRING, TokenKind.QUOTED_NAME, TokenKind.WORD)


class AdjacentVariable(NamedTuple):
    """The variable, its offset in the text, and why it cannot stand there."""

    at: int
    name: str
    reason: str


def find_adjacent(every: Sequence[Token], type_of: Callable[[str], str]) -> Iterator[AdjacentVariable]:
    """Yield the variables that run together with what stands beside them. type_of: the type of a variable, by name."""
    if not every:
        return
    offset = 0
    loud, loud_at = every[0], 0  # the token before that is neither space nor comment
    for at, token in enumerate(every):
        before = every[at - 1] if at else None
        is_variable = token.kind is TokenKind.VARIABLE
        if before is not None and is_variable and _joins_before(every, at, type_of):
            yield _found(offset, token, before.text + token.text)
        elif before is not None and before.kind is TokenKind.VARIABLE and _joins_behind(every, at, type_of):
            yield _found(offset - len(before.text), before, before.text + token.text)
        elif at and _are_strings(loud, token, type_of):
            place = (offset, token) if is_variable else (loud_at, loud)
            yield _found(*place, f"{loud.text} {token.text}")
        if token.kind not in (TokenKind.SPACE, TokenKind.COMMENT):
            loud, loud_at = token, offset
        offset += len(token.text)


def _found(at: int, variable: Token, shown: str) -> AdjacentVariable:
    return AdjacentVariable(at, variable.name, _REASON.format(shown if len(shown) <= 60 else f"{shown[:60]}…"))


def _joins_before(every: Sequence[Token], at: int, type_of: Callable[[str], str]) -> bool:
    """Return whether the variable at `at` runs together with the token before it."""
    before = every[at - 1]
    if before.text == ".":
        is_range = at > 1 and every[at - 2].text.endswith(".")
        return type_of(every[at].name) == "number" and not is_range
    return before.kind in _JOINED or before.text[:1].isdigit() or before.text == "$"


def _joins_behind(every: Sequence[Token], at: int, type_of: Callable[[str], str]) -> bool:
    """Return whether the variable before `at` runs together with the token at `at`."""
    token = every[at]
    if token.text == ".":
        follows = every[at + 1].text[:1] if at + 1 < len(every) else ""
        return type_of(every[at - 1].name) == "number" and follows.isdigit()
    return token.kind in _JOINED or token.text[:1].isdigit()


def _are_strings(left: Token, right: Token, type_of: Callable[[str], str]) -> bool:
    """Return whether both are strings and at least one is a variable."""
    pair = (left, right)
    return any(token.kind is TokenKind.VARIABLE for token in pair) and all(
        token.kind is TokenKind.STRING or (token.kind is TokenKind.VARIABLE and type_of(token.name) == "string")
        for token in pair
    )
