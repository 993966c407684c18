"""Literals and identifiers of MySQL. Pure."""

from __future__ import annotations

from typing import Final

from controlplane.blueprints.variables import Literals

_LONGEST_IDENTIFIER: Final = 64  # characters


def _string(value: str) -> str:
    """Return a string literal, in hexadecimal if it has a backslash or control character.

    The meaning of a backslash depends on sql_mode, and that of a control character on the client.
    """
    if "\\" in value or any(character < " " or character == "\x7f" for character in value):
        return f" _utf8mb4 x'{value.encode().hex()}'"
    return "'" + value.replace("'", "''") + "'"


def _number(digits: str) -> str:
    # Parentheses keep `--{{n}}` from becoming a comment if n is negative.
    return f"({digits})" if digits.startswith("-") else digits


def _identifier(value: str) -> str | None:
    """Return a quoted identifier, or None if the value cannot be a name.

    A name must have 1 to 64 characters, must not end in a space, and must not contain NUL or a character beyond U+FFFF.
    """
    has_valid_ends = 0 < len(value) <= _LONGEST_IDENTIFIER and not value.endswith(" ")
    if not has_valid_ends or any(character == "\0" or character > "\uffff" for character in value):
        return None
    return "`" + value.replace("`", "``") + "`"


LITERALS: Final = Literals(_string, _number, _identifier, "an identifier of 1-64 characters")
