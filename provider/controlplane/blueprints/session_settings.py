"""Session settings that a blueprint sets itself, in PostgreSQL: what passes, and which limits it lowers. Pure.

The head of a `pg_dump` is a list of harmless settings, so those pass. Refused is what changes who the session is, or
how the text of the statements that follow is read: the control plane sends UTF-8 and standard strings.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from controlplane.blueprints.lexer import TokenKind
from controlplane.blueprints.splitter import Statement

STATEMENT_TIMEOUT: Final = "statement_timeout"
LOCK_TIMEOUT: Final = "lock_timeout"
# The control plane holds these limits itself. A server that does not know one (transaction_timeout came with 17) need
# not be asked.
_IDLE_LIMITS: Final = frozenset({"idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout"})
_IDENTITY: Final = frozenset(
    {"role", "session_authorization", "transaction", "characteristics", "authorization", "all"}
)
_UTF8: Final = frozenset({"utf8", "unicode", "default"})
_TRUE: Final = frozenset({"on", "true", "yes", "1", "default"})
_UNITS: Final = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "": 1}  # to ms
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d*)?)\s*(us|ms|s|min|h|d|)\s*")

_SESSION: Final = "it changes who or what the session is"
_ENCODING: Final = (
    "blueprints are sent in UTF-8. Convert the file to UTF-8 and remove this line, or set client_encoding to 'UTF8'"
)
_STRINGS: Final = "it changes how strings are read. Write strings with backslash escapes as E'…' and remove this line"


class Setting(NamedTuple):
    """What SET (or RESET) is about. value: its words joined, without quotes; `default` for RESET. is_literal: whether
    the value is one literal.
    """

    verb: str
    name: str
    value: str
    is_literal: bool


def setting_of(statement: Statement) -> Setting | None:
    """The setting that a SET or RESET names; None for other statements."""
    words = statement.words
    if words[:1] not in (("SET",), ("RESET",)):
        return None
    at = 1
    if words[1:2] in (("SESSION",), ("LOCAL",)) and words[2:3] not in ((), ("=",), ("TO",)):
        at = 2
    if at >= len(words):
        return Setting(words[0], "", "default", is_literal=False)
    name = _unquoted(statement.tokens[at].text)
    while statement.tokens[at + 1 : at + 2] and statement.tokens[at + 1].text == ".":
        name += "." + _unquoted(statement.tokens[at + 2].text) if at + 2 < len(words) else ""
        at += 2
    given = statement.tokens[at + 1 :]
    if given and (given[0].text == "=" or given[0].text.upper() == "TO"):
        given = given[1:]
    value = " ".join(_unquoted(token.text) for token in given) or "default"
    return Setting(words[0], name, value, is_literal=len(given) == 1 and given[0].kind is not TokenKind.VARIABLE)


def forbidden_reason(statement: Statement) -> str | None:
    """Why a blueprint must not hold this SET or RESET; None when it may."""
    setting = setting_of(statement)
    if setting is None:
        return None
    if setting.name in _IDENTITY:
        return f"{setting.verb} {setting.name.upper()} is not allowed: {_SESSION}"
    if setting.name in ("client_encoding", "names") and re.sub(r"[^a-z0-9]", "", setting.value) not in _UTF8:
        shown = "NAMES" if setting.name == "names" else "client_encoding"
        return f"{setting.verb} {shown} to {setting.value!r} is not allowed: {_ENCODING}"
    if setting.name == "standard_conforming_strings" and setting.value not in _TRUE:
        return f"{setting.verb} standard_conforming_strings to {setting.value!r} is not allowed: {_STRINGS}"
    return None


class Limits(NamedTuple):
    """Milliseconds that each statement may take, and that it may wait for a lock."""

    statement_ms: int
    lock_ms: int


def lowered(limits: Limits, ours: Limits, statement: Statement) -> Limits | None:
    """The limits after a SET that concerns nothing else, which need not be sent; None where the server is to see it.

    A blueprint may lower a limit; 0 and what is larger than ours mean ours.
    """
    setting = setting_of(statement)
    if setting is None or (not setting.is_literal and setting.value != "default"):
        return None
    if setting.name not in (STATEMENT_TIMEOUT, LOCK_TIMEOUT, *_IDLE_LIMITS):
        return None
    wanted = 0 if setting.value == "default" else _milliseconds(setting.value)
    if wanted is None:
        return None
    if setting.name == STATEMENT_TIMEOUT:
        return limits._replace(statement_ms=min(wanted or ours.statement_ms, ours.statement_ms))
    if setting.name == LOCK_TIMEOUT:
        return limits._replace(lock_ms=min(wanted or ours.lock_ms, ours.lock_ms))
    return limits


def _milliseconds(text: str) -> int | None:
    """A duration as PostgreSQL writes it, rounded up where it is not 0; None for what is none."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    milliseconds = float(found[1]) * _UNITS[found[2]]
    return max(1, round(milliseconds)) if milliseconds else 0


def _unquoted(text: str) -> str:
    return text.strip("'\"").lower()
