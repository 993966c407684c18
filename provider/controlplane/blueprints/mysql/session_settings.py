"""Session settings in blueprints for MySQL: which are allowed. Pure.

A dump by `mysqldump` sets character sets, checks and the SQL mode. These settings are allowed unless they change how
the following statements are read: as UTF-8, with backslash escapes, and with double quotes for strings. A value that is
known only when the statement runs (from a user variable) is checked on the server after the statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from controlplane.blueprints.splitter import Statement

# Settings that change neither how text is read nor who may run it.
_ALLOWED: Final = frozenset(
    {"foreign_key_checks", "unique_checks", "time_zone", "timestamp", "insert_id", "sql_notes", "sql_safe_updates",
     "group_concat_max_len", "auto_increment_increment", "auto_increment_offset"}
)  # fmt: skip
_CHARACTER_SETS: Final = frozenset(
    {"character_set_client", "character_set_results", "character_set_connection", "collation_connection"}
)
_NAMES: Final = ("names", "character set")
# Modes, and groups of modes, that change where a string or a name ends.
MODES_OF_TEXT: Final = frozenset(
    {"ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI", "ORACLE", "MSSQL", "DB2", "MAXDB", "POSTGRESQL"}
)
_TRANSACTION: Final = frozenset({"autocommit", "completion_type", "transaction", "tx_isolation", "tx_read_only"})
_REASONS: Final = {
    **dict.fromkeys(("global", "persist", "persist_only"), "it concerns the server, not this database"),
    **dict.fromkeys(_TRANSACTION, "the control plane begins and ends the transaction"),
    **dict.fromkeys(("", "password", "role", "default", "statement"), "it changes who or what the session is"),
}
_OTHERS: Final = "a blueprint may set user variables, sql_mode, character sets to UTF-8, and " + ", ".join(
    sorted(_ALLOWED)
)
_ENCODING: Final = "blueprints are sent in UTF-8. Convert the file to UTF-8 and use utf8mb4, or remove this line"


class Assignment(NamedTuple):
    """One `name = value` of a SET."""

    name: str  # in lower case; `@` for a user variable, `names` for SET NAMES, `character set` for SET CHARSET
    value: tuple[str, ...]  # its words in upper case, without quotes


def forbidden_reason(statement: Statement) -> str | None:
    """Return why a blueprint must not contain this SET, or None if it may, or for any other statement."""
    if statement.words[:1] != ("SET",):
        return None
    every = list(_assignments(statement.words[1:]))
    return next(filter(None, map(_rejection, every)), None) if every else f"SET is not allowed: {_REASONS['']}"


def _rejection(assignment: Assignment) -> str | None:
    name, value = assignment
    if name == "@" or name in _ALLOWED:
        return None
    if name in _NAMES:
        return None if _is_utf8(value) else f"SET {name.upper()} {' '.join(value).lower()} is not allowed: {_ENCODING}"
    if name in _CHARACTER_SETS:
        is_allowed = value[:1] in (("@",), ("DEFAULT",)) or _is_utf8(value)
        return None if is_allowed else f"SET {name} = {' '.join(value).lower()} is not allowed: {_ENCODING}"
    if name == "sql_mode":
        forbidden = forbidden_modes(",".join(value))
        if not forbidden:
            return None
        modes = ", ".join(forbidden)
        return f"SET sql_mode with {modes} is not allowed: it changes how strings and names are read"
    return f"SET {name.upper() or '…'} is not allowed: {_REASONS.get(name, _OTHERS)}"


def forbidden_modes(sql_mode: str) -> list[str]:
    """Return the modes in a value of sql_mode that a blueprint must not set."""
    return sorted(MODES_OF_TEXT.intersection(mode.strip().upper() for mode in sql_mode.split(",")))


def is_utf8_already(statement: Statement) -> bool:
    """Return whether a statement is SET NAMES or SET CHARACTER SET of UTF-8 without a collation, which need not run.

    The session uses utf8mb4 already, and MySQL's `utf8` would be only a part of it.
    """
    every = list(_assignments(statement.words[1:])) if statement.words[:1] == ("SET",) else []
    return len(every) == 1 and every[0].name in _NAMES and "COLLATE" not in every[0].value


def _is_utf8(value: tuple[str, ...]) -> bool:
    """Return whether a character set or collation is UTF-8. With COLLATE, it must be utf8mb4, not utf8 or utf8mb3."""
    if "COLLATE" in value:
        return value[0] == "UTF8MB4" and value[-1].startswith("UTF8MB4_")
    return len(value) == 1 and (
        value[0] in ("UTF8", "UTF8MB3", "UTF8MB4", "DEFAULT") or value[0].startswith("UTF8MB4_")
    )


def _assignments(words: Sequence[str]) -> Iterator[Assignment]:
    """Yield the assignments of a SET from the words after it. An unknown form has an empty name."""
    depth = 0
    piece: list[str] = []
    for word in words:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == "," and depth == 0:
            yield _assignment(piece)
            piece = []
        else:
            piece.append(word)
    yield _assignment(piece)


def _assignment(words: list[str]) -> Assignment:
    is_system = words[:2] == ["@", "@"]
    if words[:1] == ["@"] and not is_system:
        return Assignment("@" if len(words) > 1 else "", tuple(words[2:]))
    rest = words[2:] if is_system else words
    if rest[:1] in (["SESSION"], ["LOCAL"]):
        rest = rest[2:] if is_system and rest[1:2] == ["."] else rest[1:]
    name = rest[0].lower() if rest else ""
    if rest[:2] in (["CHARACTER", "SET"], ["CHAR", "SET"]):
        name, rest = "character set", rest[1:]
    elif name == "charset":
        name = "character set"
    if name in _NAMES:
        return Assignment(name, tuple(_unquoted(word) for word in rest[1:]))
    value = rest[2:]
    if not value or rest[1] not in ("=", ":="):
        return Assignment("" if name in _ALLOWED | _CHARACTER_SETS | {"sql_mode"} else name, ())
    return Assignment(name, tuple(_unquoted(word) for word in value))


def _unquoted(word: str) -> str:
    return word.strip("'\"").upper()
