"""What a statement is about: its kind and object, whether it is refused, what to warn of. Pure (api-facts S21, S22)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from controlplane.blueprints import session_settings
from controlplane.blueprints.lexer import TokenKind
from controlplane.blueprints.splitter import Statement

_TRANSACTION: Final = "transaction control is not allowed: a blueprint runs in one transaction of its own"
_OUTSIDE: Final = "it cannot run inside a transaction"
_SERVER: Final = "it concerns the server, not this database"
_SESSION: Final = "it changes who or what the session is"
_FILES: Final = "it reads or writes files, programs or the client's connection"

_BY_FIRST: Final[Mapping[str, str]] = {
    **dict.fromkeys(("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"), _TRANSACTION),
    **dict.fromkeys(("VACUUM", "CLUSTER"), _OUTSIDE),
    **dict.fromkeys(("CHECKPOINT", "LOAD"), _SERVER),
    **dict.fromkeys(("DISCARD", "LISTEN", "UNLISTEN", "NOTIFY", "PREPARE", "EXECUTE", "DEALLOCATE"), _SESSION),
    "COPY": _FILES,
}
_SERVER_OBJECTS: Final = frozenset({"DATABASE", "ROLE", "USER", "GROUP", "TABLESPACE", "SYSTEM", "SUBSCRIPTION"})
# Words between CREATE, ALTER or DROP and the kind of object.
_ADJECTIVES: Final = frozenset(
    {"OR", "REPLACE", "TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "UNLOGGED", "UNIQUE", "RECURSIVE", "TRUSTED",
     "PROCEDURAL", "CONSTRAINT", "DEFAULT"}
)  # fmt: skip
_TWO_WORDS: Final = frozenset({("MATERIALIZED", "VIEW"), ("FOREIGN", "TABLE"), ("EVENT", "TRIGGER"),
                               ("TEXT", "SEARCH"), ("USER", "MAPPING"), ("ACCESS", "METHOD"),
                               ("FOREIGN", "DATA"), ("OPERATOR", "CLASS"), ("OPERATOR", "FAMILY")})  # fmt: skip
# Words between INSERT, UPDATE, DELETE, … and the table, of both engines.
_BEFORE_TARGET: Final = frozenset(
    {"INTO", "FROM", "ONLY", "TABLE", "IGNORE", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "QUICK"}
)
_DEFINING: Final = ("CREATE", "ALTER", "DROP")


def statement_kind(statement: Statement) -> str:
    """`CREATE TABLE`, `INSERT`, …"""
    return _described(statement)[0]


def object_of(statement: Statement) -> str | None:
    """The name it is about as it stands in the text, None where there is none."""
    return _described(statement)[1]


def forbidden_reason(statement: Statement) -> str | None:
    """Why a blueprint must not hold it; None when it may."""
    words = statement.words
    first = words[0] if words else ""
    if first in _BY_FIRST:
        return _refused(first, _BY_FIRST[first])
    if "CONCURRENTLY" in words[:6] and first in ("CREATE", "DROP", "REINDEX"):
        return _refused(f"{first} … CONCURRENTLY", _OUTSIDE)
    if first == "REINDEX" and {"DATABASE", "SYSTEM"} & set(words[1:3]):
        return _refused("REINDEX DATABASE", _OUTSIDE)
    if first in _DEFINING and _object_kind(words)[0] in _SERVER_OBJECTS:
        return _refused(statement_kind(statement), _SERVER)
    if first in ("SET", "RESET"):
        return session_settings.forbidden_reason(statement)
    if words[:2] in (("REASSIGN", "OWNED"), ("DROP", "OWNED")):
        return _refused(" ".join(words[:2]), _SERVER)
    return None


def warnings_of(statement: Statement) -> list[str]:
    """What is allowed but destroys data."""
    words = statement.words
    kind, target = _described(statement)
    named = f" {target}" if target else ""
    if kind in ("DROP TABLE", "DROP SCHEMA", "DROP MATERIALIZED VIEW", "DROP SEQUENCE", "DROP TYPE", "DROP EXTENSION"):
        return [f"{kind}{named} destroys what it holds"]
    if kind == "TRUNCATE":
        return [f"TRUNCATE{named} removes all rows"]
    if kind in ("DELETE", "UPDATE") and "WHERE" not in words:
        return [f"{kind}{named} has no WHERE: it concerns all rows"]
    if kind == "ALTER TABLE":
        return [f"ALTER TABLE{named} drops a column"] if _drops_column(words) else []
    return []


def _refused(what: str, why: str) -> str:
    return f"{what} is not allowed: {why}" if why is not _TRANSACTION else f"{what}: {why}"


def _drops_column(words: tuple[str, ...]) -> bool:
    """`DROP [COLUMN] name`, but not DROP CONSTRAINT, DEFAULT, NOT NULL, IDENTITY, EXPRESSION."""
    others = {"CONSTRAINT", "DEFAULT", "NOT", "IDENTITY", "EXPRESSION"}
    return any(a == "DROP" and b not in others for a, b in pairwise(words[3:]))


def _described(statement: Statement) -> tuple[str, str | None]:
    words = statement.words
    first = words[0] if words else ""
    if first in _DEFINING:
        kind, at = _object_kind(words)
        return f"{first} {kind}".strip(), _name_at(statement, _behind_only(words, _behind_exists(words, at)))
    if first == "WITH":
        verb = next((word for word in words if word in ("INSERT", "UPDATE", "DELETE", "MERGE")), "SELECT")
        return verb, None
    if first in ("INSERT", "REPLACE", "DELETE", "UPDATE", "TRUNCATE", "MERGE"):
        at = 1
        while words[at : at + 1] and words[at] in _BEFORE_TARGET:
            at += 1
        return first, _name_at(statement, at)
    return first, None


def _object_kind(words: tuple[str, ...]) -> tuple[str, int]:
    """The kind of object behind CREATE, ALTER or DROP, and the position behind it."""
    at = 1
    while at < len(words) and words[at] in _ADJECTIVES:
        at += 1
    if words[at : at + 2] in _TWO_WORDS:
        return " ".join(words[at : at + 2]), at + 2
    return (words[at] if at < len(words) else ""), at + 1


def _behind_only(words: tuple[str, ...], at: int) -> int:
    """The position of the name behind ONLY or ONLY (, as PostgreSQL has it; a name ONLY would need quotes there."""
    if words[at : at + 1] != ("ONLY",):
        return at
    return at + 2 if words[at + 1 : at + 2] == ("(",) else at + 1


def _behind_exists(words: tuple[str, ...], at: int) -> int:
    if words[at : at + 3] == ("IF", "NOT", "EXISTS"):
        return at + 3
    return at + 2 if words[at : at + 2] == ("IF", "EXISTS") else at


def _name_at(statement: Statement, at: int) -> str | None:
    """A possibly qualified name that begins at token `at`. An index without a name has ON there."""
    if statement.words[at : at + 1] == ("ON",):
        return None
    parts: list[str] = []
    for token in statement.tokens[at:]:
        wants_name = len(parts) % 2 == 0
        if wants_name and token.kind in (TokenKind.WORD, TokenKind.QUOTED_NAME, TokenKind.VARIABLE):
            parts.append(token.text)
        elif not wants_name and token.text == ".":
            parts.append(".")
        else:
            break
    return "".join(parts).rstrip(".") or None
