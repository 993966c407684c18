"""Policy for statements in blueprints: kind and object, rejection, warnings (api-facts S21, S22). Pure."""

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
_DDL: Final = ("CREATE", "ALTER", "DROP")


def statement_kind(statement: Statement) -> str:
    """Return a statement's kind, such as `CREATE TABLE` or `INSERT`."""
    return _kind_and_object(statement)[0]


def object_of(statement: Statement) -> str | None:
    """Return the name of the statement's object as it stands in the text, or None if it has none."""
    return _kind_and_object(statement)[1]


def forbidden_reason(statement: Statement) -> str | None:
    """Return why a blueprint must not contain a statement, or None if it may."""
    words = statement.words
    first = words[0] if words else ""
    if first in _BY_FIRST:
        return _rejection(first, _BY_FIRST[first])
    if "CONCURRENTLY" in words[:6] and first in ("CREATE", "DROP", "REINDEX"):
        return _rejection(f"{first} … CONCURRENTLY", _OUTSIDE)
    if first == "REINDEX" and {"DATABASE", "SYSTEM"} & set(words[1:3]):
        return _rejection("REINDEX DATABASE", _OUTSIDE)
    if first in _DDL and _object_kind(words)[0] in _SERVER_OBJECTS:
        return _rejection(statement_kind(statement), _SERVER)
    if first in ("SET", "RESET"):
        return session_settings.forbidden_reason(statement)
    if words[:2] in (("REASSIGN", "OWNED"), ("DROP", "OWNED")):
        return _rejection(" ".join(words[:2]), _SERVER)
    return None


def warnings_of(statement: Statement) -> list[str]:
    """Return warnings about a statement that is allowed but destroys data."""
    words = statement.words
    kind, target = _kind_and_object(statement)
    named = f" {target}" if target else ""
    if kind in ("DROP TABLE", "DROP SCHEMA", "DROP MATERIALIZED VIEW", "DROP SEQUENCE", "DROP TYPE", "DROP EXTENSION"):
        return [f"{kind}{named} destroys its data"]
    if kind == "TRUNCATE":
        return [f"TRUNCATE{named} removes all rows"]
    if kind in ("DELETE", "UPDATE") and "WHERE" not in words:
        return [f"{kind}{named} has no WHERE: it changes all rows"]
    if kind == "ALTER TABLE":
        return [f"ALTER TABLE{named} drops a column"] if _drops_column(words) else []
    return []


def _rejection(kind: str, reason: str) -> str:
    return f"{kind} is not allowed: {reason}" if reason is not _TRANSACTION else f"{kind}: {reason}"


def _drops_column(words: tuple[str, ...]) -> bool:
    """Return whether ALTER TABLE drops a column, not a constraint, default, NOT NULL, identity or expression."""
    others = {"CONSTRAINT", "DEFAULT", "NOT", "IDENTITY", "EXPRESSION"}
    return any(a == "DROP" and b not in others for a, b in pairwise(words[3:]))


def _kind_and_object(statement: Statement) -> tuple[str, str | None]:
    words = statement.words
    first = words[0] if words else ""
    if first in _DDL:
        kind, at = _object_kind(words)
        return f"{first} {kind}".strip(), _name_at(statement, _after_only(words, _after_exists(words, at)))
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
    """Return the kind of object after CREATE, ALTER or DROP, and the position after it."""
    at = 1
    while at < len(words) and words[at] in _ADJECTIVES:
        at += 1
    if words[at : at + 2] in _TWO_WORDS:
        return " ".join(words[at : at + 2]), at + 2
    return (words[at] if at < len(words) else ""), at + 1


def _after_only(words: tuple[str, ...], at: int) -> int:
    """Return the position of the name after PostgreSQL's `ONLY` or `ONLY (`. A name ONLY would need quotes."""
    if words[at : at + 1] != ("ONLY",):
        return at
    return at + 2 if words[at + 1 : at + 2] == ("(",) else at + 1


def _after_exists(words: tuple[str, ...], at: int) -> int:
    if words[at : at + 3] == ("IF", "NOT", "EXISTS"):
        return at + 3
    return at + 2 if words[at : at + 2] == ("IF", "EXISTS") else at


def _name_at(statement: Statement, at: int) -> str | None:
    """Return the name at token `at`, possibly qualified, or None: an index without a name has ON there."""
    if statement.words[at : at + 1] == ("ON",):
        return None
    parts: list[str] = []
    for token in statement.tokens[at:]:
        expects_name = len(parts) % 2 == 0
        if expects_name and token.kind in (TokenKind.WORD, TokenKind.QUOTED_NAME, TokenKind.VARIABLE):
            parts.append(token.text)
        elif not expects_name and token.text == ".":
            parts.append(".")
        else:
            break
    return "".join(parts).rstrip(".") or None
