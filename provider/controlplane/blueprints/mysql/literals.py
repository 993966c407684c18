"""Values as MySQL's SQL. Pure."""

from __future__ import annotations

from typing import Final

from controlplane.blueprints.variables import Literals

_LONGEST_IDENTIFIER: Final = 64  # characters


def _string(value: str) -> str:
    """What a backslash means depends on sql_mode, and control characters on the reader: hexadecimal does not."""
    if "\\" in value or any(character < " " or character == "\x7f" for character in value):
        return f" _utf8mb4 x'{value.encode().hex()}'"
    return "'" + value.replace("'", "''") + "'"


def _number(digits: str) -> str:
    # In parentheses: `--{{n}}` must not become a comment when n is negative.
    return f"({digits})" if digits.startswith("-") else digits


def _identifier(value: str) -> str | None:
    """None for what cannot be a name: too long, ending in a space, with NUL or beyond the basic plane."""
    ends_well = 0 < len(value) <= _LONGEST_IDENTIFIER and not value.endswith(" ")
    if not ends_well or any(character == "\0" or character > "\uffff" for character in value):
        return None
    return "`" + value.replace("`", "``") + "`"


LITERALS: Final = Literals(_string, _number, _identifier, "an identifier of 1-64 characters")
