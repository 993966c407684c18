"""Session settings in blueprints for PostgreSQL: which are allowed, and which limits they lower. Pure.

A dump by `pg_dump` begins with harmless settings, so these are allowed. A setting is rejected if it changes the
session's user, or how the following statements are read: the control plane sends UTF-8 and standard strings.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from controlplane.blueprints.lexer import TokenKind
from controlplane.blueprints.splitter import Statement

STATEMENT_TIMEOUT: Final = "statement_timeout"
LOCK_TIMEOUT: Final = "lock_timeout"
# The control plane enforces these limits itself, so they are not sent: an older server may not know one
# (transaction_timeout is new in version 17).
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
    """The setting of a SET or RESET."""

    verb: str
    name: str
    value: str  # the joined words without quotes; `default` for RESET
    is_literal: bool  # the value is one literal


def setting_of(statement: Statement) -> Setting | None:
    """Return the setting that a SET or RESET names, or None for other statements."""
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
    values = statement.tokens[at + 1 :]
    if values and (values[0].text == "=" or values[0].text.upper() == "TO"):
        values = values[1:]
    value = " ".join(_unquoted(token.text) for token in values) or "default"
    return Setting(words[0], name, value, is_literal=len(values) == 1 and values[0].kind is not TokenKind.VARIABLE)


def forbidden_reason(statement: Statement) -> str | None:
    """Return why a blueprint must not contain this SET or RESET, or None if it may."""
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
    """Limits of each statement, in milliseconds."""

    statement_ms: int  # duration
    lock_ms: int  # wait for a lock


def lowered(limits: Limits, upper: Limits, statement: Statement) -> Limits | None:
    """Return the limits after a SET of a limit, which need not be sent, or None for any other statement.

    A blueprint may lower a limit. 0, and any value above the upper limit, means the upper limit.
    """
    setting = setting_of(statement)
    if setting is None or (not setting.is_literal and setting.value != "default"):
        return None
    if setting.name not in (STATEMENT_TIMEOUT, LOCK_TIMEOUT, *_IDLE_LIMITS):
        return None
    value = 0 if setting.value == "default" else _milliseconds(setting.value)
    if value is None:
        return None
    if setting.name == STATEMENT_TIMEOUT:
        return limits._replace(statement_ms=min(value or upper.statement_ms, upper.statement_ms))
    if setting.name == LOCK_TIMEOUT:
        return limits._replace(lock_ms=min(value or upper.lock_ms, upper.lock_ms))
    return limits


def _milliseconds(text: str) -> int | None:
    """Return the milliseconds of a duration in PostgreSQL's format, at least 1 unless it is 0, or None if invalid."""
    duration = _DURATION.fullmatch(text)
    if duration is None:
        return None
    milliseconds = float(duration[1]) * _UNITS[duration[2]]
    return max(1, round(milliseconds)) if milliseconds else 0


def _unquoted(text: str) -> str:
    return text.strip("'\"").lower()
