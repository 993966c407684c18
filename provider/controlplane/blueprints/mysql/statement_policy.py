"""Policy for statements in MySQL: rejection, and implicit commits (api-facts S21, S25). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from controlplane.blueprints.lexer import Token, TokenKind
from controlplane.blueprints.mysql import session_settings
from controlplane.blueprints.mysql.program_headers import COMPOUND
from controlplane.blueprints.splitter import Statement

_TRANSACTION: Final = "transaction control is not allowed: the control plane begins and ends the transaction"
_SERVER: Final = "it concerns the server, not this database"
_SESSION: Final = "it changes who or what the session is"
_FILES: Final = "it reads or writes files"
_HIDDEN: Final = "it runs SQL that cannot be checked before"

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
# Statements that neither end a transaction nor take effect outside of it.
_TRANSACTIONAL: Final = frozenset(
    {"INSERT", "UPDATE", "DELETE", "REPLACE", "SELECT", "WITH", "VALUES", "TABLE", "(", "SET", "DO", "SHOW", "EXPLAIN",
     "DESCRIBE", "DESC"}
)  # fmt: skip
# Character sets with other bytes than UTF-8. `_latin1'…'` sets the character set of a string.
_CHARACTER_SETS: Final = frozenset(
    {"BIG5", "DEC8", "CP850", "HP8", "KOI8R", "LATIN1", "LATIN2", "SWE7", "ASCII", "UJIS", "SJIS", "HEBREW", "TIS620",
     "EUCKR", "KOI8U", "GB2312", "GREEK", "CP1250", "GBK", "LATIN5", "ARMSCII8", "UCS2", "CP866", "KEYBCS2", "MACCE",
     "MACROMAN", "CP852", "LATIN7", "UTF16", "UTF16LE", "CP1251", "CP1256", "CP1257", "UTF32", "GEOSTD8", "CP932",
     "EUCJPMS"}
)  # fmt: skip


def forbidden_reason(statement: Statement) -> str | None:
    """Return why a blueprint must not contain a statement, or None if it may."""
    words = statement.words
    first = words[0]
    if first in _BY_FIRST:
        reason = _BY_FIRST[first]
        return f"{first}: {reason}" if reason is _TRANSACTION else f"{first} is not allowed: {reason}"
    if first in ("CREATE", "ALTER", "DROP", "RENAME", "SHOW") and (rejection := _object_reason(words)):
        return rejection
    if first == "SET" and (rejection := session_settings.forbidden_reason(statement)):
        return rejection
    if "INTO" in words and {"OUTFILE", "DUMPFILE"}.intersection(words):
        return f"INTO OUTFILE is not allowed: {_FILES}"
    return next(_word_reasons(statement), None)


def _word_reasons(statement: Statement) -> Iterator[str]:
    """Yield the reasons to reject a statement for words anywhere in it, also in a body."""
    for token, following in pairwise(statement.tokens):
        if token.kind is not TokenKind.WORD:
            continue
        name = token.text.upper()
        if name == "GET_LOCK" and following.text == "(":
            yield "GET_LOCK is not allowed: its names are shared by the whole server, so other sessions would wait"
        if name[1:] in _CHARACTER_SETS and name[0] == "_" and _has_other_bytes(following):
            yield (
                f"{token.text} before a text is not allowed: SQL is sent in UTF-8, so the text would be read as"
                f" other characters. Leave {token.text} out"
            )


def _has_other_bytes(token: Token) -> bool:
    return token.kind is TokenKind.VARIABLE or (token.kind is TokenKind.STRING and not token.text.isascii())


def _object_reason(words: tuple[str, ...]) -> str | None:
    kind = next((word for word in words[1:6] if word not in _ADJECTIVES), "")
    if words[0] != "SHOW" and kind in _SERVER_OBJECTS:
        return f"{words[0]} {kind} is not allowed: {_SERVER}"
    if words[0] != "SHOW" and "DEFINER" in words[1:5] and "=" in words[1:6]:
        return f"{words[0]} DEFINER is not allowed: {_SESSION}"
    return None


def is_transactional(statement: Statement) -> bool:
    """Return whether a statement does not end the transaction, so that it can be rolled back."""
    return statement.words[0] in _TRANSACTIONAL


def may_commit_inside(statement: Statement) -> bool:
    """Return whether a statement may commit and begin another transaction, as procedures and compound statements do."""
    return statement.words[0] == "CALL" or statement.words[0] in COMPOUND
