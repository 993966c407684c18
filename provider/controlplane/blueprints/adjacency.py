"""Find variables whose values would run together with an adjacent token. Pure.

A variable stands for a complete literal or identifier. `1{{n}}` would change the number, and `{{a}}{{b}}` would join
two strings. Engines also join two strings with only white space between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from controlplane.blueprints.lexer import Token, TokenKind

_REASON: Final = (
    "a variable stands for a complete literal or identifier, so its value never runs together with the adjacent text:"
    " {}. Put an operator between them; || or concat() joins strings"
)
_JOINED: Final = (TokenKind.VARIABLE, TokenKind.STRING, TokenKind.QUOTED_NAME, TokenKind.WORD)


class AdjacentVariable(NamedTuple):
    """The variable, its offset in the text, and why it cannot stand there."""

    at: int
    name: str
    reason: str


def find_adjacent(every: Sequence[Token], type_of: Callable[[str], str]) -> Iterator[AdjacentVariable]:
    """Yield the variables that run together with an adjacent token.

    `type_of` returns the type of a variable by its name.
    """
    if not every:
        return
    offset = 0
    last, last_at = every[0], 0  # the previous token that is neither space nor comment
    for at, token in enumerate(every):
        before = every[at - 1] if at else None
        is_variable = token.kind is TokenKind.VARIABLE
        if before is not None and is_variable and _joins_before(every, at, type_of):
            yield _adjacent(offset, token, before.text + token.text)
        elif before is not None and before.kind is TokenKind.VARIABLE and _joins_after(every, at, type_of):
            yield _adjacent(offset - len(before.text), before, before.text + token.text)
        elif at and _are_strings(last, token, type_of):
            variable = (offset, token) if is_variable else (last_at, last)
            yield _adjacent(*variable, f"{last.text} {token.text}")
        if token.kind not in (TokenKind.SPACE, TokenKind.COMMENT):
            last, last_at = token, offset
        offset += len(token.text)


def _adjacent(at: int, variable: Token, shown: str) -> AdjacentVariable:
    return AdjacentVariable(at, variable.name, _REASON.format(shown if len(shown) <= 60 else f"{shown[:60]}…"))


def _joins_before(every: Sequence[Token], at: int, type_of: Callable[[str], str]) -> bool:
    """Return whether the variable at `at` runs together with the token before it."""
    before = every[at - 1]
    if before.text == ".":
        is_range = at > 1 and every[at - 2].text.endswith(".")
        return type_of(every[at].name) == "number" and not is_range
    return before.kind in _JOINED or before.text[:1].isdigit() or before.text == "$"


def _joins_after(every: Sequence[Token], at: int, type_of: Callable[[str], str]) -> bool:
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
