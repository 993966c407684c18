"""What a blueprint must not hold in MySQL, and what commits by itself there. Pure (api-facts S21, S25)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from controlplane.blueprints.mysql import settings
from controlplane.blueprints.splitting import Statement

_TRANSACTION: Final = "transaction control is not allowed: a blueprint is run as a whole"
_SERVER: Final = "it concerns the server, not this database"
_SESSION: Final = "it changes who or what the session is"
_FILES: Final = "it reads or writes files"
_HIDDEN: Final = "it runs SQL that cannot be judged before"

_BY_FIRST: Final[Mapping[str, str]] = {
    **dict.fromkeys(("BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "XA"), _TRANSACTION),
    **dict.fromkeys(
        ("FLUSH", "RESET", "KILL", "SHUTDOWN", "PURGE", "CHANGE", "GRANT", "REVOKE", "INSTALL", "UNINSTALL", "BINLOG",
         "CACHE", "BACKUP", "STOP", "CLONE"),
        _SERVER,
    ),
    **dict.fromkeys(("USE", "LOCK", "UNLOCK", "HANDLER"), _SESSION),
    **dict.fromkeys(("PREPARE", "EXECUTE", "DEALLOCATE"), _HIDDEN),
    "LOAD": _FILES,
}  # fmt: skip
_SERVER_OBJECTS: Final = frozenset(
    {"DATABASE", "SCHEMA", "USER", "ROLE", "SERVER", "EVENT", "TABLESPACE", "LOGFILE", "INSTANCE"}
)
_ADJECTIVES: Final = frozenset({"OR", "REPLACE", "IF", "NOT", "EXISTS", "ONLINE", "OFFLINE", "IGNORE"})
# These neither end a transaction nor work outside of it.
_TRANSACTIONAL: Final = frozenset(
    {"INSERT", "UPDATE", "DELETE", "REPLACE", "SELECT", "WITH", "VALUES", "TABLE", "(", "SET", "DO", "SHOW", "EXPLAIN",
     "DESCRIBE", "DESC"}
)  # fmt: skip


def refusal_of(statement: Statement) -> str | None:
    """Why a blueprint must not hold it; None when it may."""
    words = statement.words
    first = words[0]
    if first in _BY_FIRST:
        return f"{first} is not allowed: {_BY_FIRST[first]}"
    if first in ("CREATE", "ALTER", "DROP", "RENAME", "SHOW"):
        return _refused_object(words)
    if first == "SET":
        return settings.refusal_of(statement)
    if "INTO" in words and {"OUTFILE", "DUMPFILE"}.intersection(words):
        return f"INTO OUTFILE is not allowed: {_FILES}"
    return None


def _refused_object(words: tuple[str, ...]) -> str | None:
    kind = next((word for word in words[1:6] if word not in _ADJECTIVES), "")
    if words[0] != "SHOW" and kind in _SERVER_OBJECTS:
        return f"{words[0]} {kind} is not allowed: {_SERVER}"
    if words[0] != "SHOW" and "DEFINER" in words[1:5] and "=" in words[1:6]:
        return f"{words[0]} DEFINER is not allowed: {_SESSION}"
    return None


def is_transactional(statement: Statement) -> bool:
    """Whether it leaves an open transaction open, so that it can be rolled back with it."""
    return statement.words[0] in _TRANSACTIONAL


def runs_a_procedure(statement: Statement) -> bool:
    """A procedure may commit, and begin anew afterwards."""
    return statement.words[0] == "CALL"
