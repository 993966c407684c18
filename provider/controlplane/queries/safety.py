"""Safety check of SQL before it runs, and how it is run. Pure.

The actual protection is the tenant's role, a read-only transaction and the time-outs (see the sessions of both
engines). This check comes before them. It rejects, with a reason, SQL that no query in plain language means, and
distinguishes the three kinds that are run in different ways. It examines the server's tokens instead of parsing by a
grammar, because the gaps between another grammar and the server's would be unsafe. SQL that it cannot classify is
rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from controlplane.blueprints.lexer import LexError, Token, TokenKind
from controlplane.blueprints.splitter import Statement
from controlplane.blueprints.statement_policy import forbidden_reason, statement_kind
from controlplane.queries.errors import SqlError, UnsafeSqlError
from controlplane.queries.forbidden_functions import forbidden_function_reason

ResultKind = Literal["select", "write", "ddl_batch"]
Split = Callable[[str], list[Statement]]

_READS: Final = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})
_WRITES: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_CREATES: Final = frozenset(
    {"TABLE", "INDEX", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "SCHEMA", "TYPE", "DOMAIN", "STATISTICS"}
)
_DROPS: Final = frozenset({"VIEW", "INDEX", "STATISTICS"})  # objects without data
_LOSES_NOTHING: Final = frozenset({"CONSTRAINT", "DEFAULT", "NOT", "IDENTITY", "EXPRESSION"})
_MOST_STATEMENTS: Final = 20


@dataclass(frozen=True)
class SafeSql:
    """SQL that passed the safety check: one statement, or several of DDL."""

    kind: ResultKind
    statements: tuple[Statement, ...]


def check_safety(sql: str, *, split: Split) -> SafeSql:
    """Return the statements of a text and their kind.

    Raises:
        UnsafeSqlError: The SQL may not be run as a query.
        SqlError: The text is not SQL; for example, a quote is open.
    """
    try:
        statements = split(sql)
    except LexError as error:
        raise SqlError(str(error)) from None
    if not statements:
        raise UnsafeSqlError(["it contains no statement"])
    kinds = [_kind(statement) for statement in statements]
    reasons = [reason for statement in statements for reason in _reasons(statement)]
    if len(statements) > 1 and set(kinds) != {"ddl_batch"}:
        reasons.insert(0, "it contains several statements; only DDL statements may be combined")
    if len(statements) > _MOST_STATEMENTS:
        reasons.insert(0, f"it contains {len(statements)} statements, more than {_MOST_STATEMENTS}")
    if reasons:
        raise UnsafeSqlError(list(dict.fromkeys(reasons)))
    kind = kinds[0]
    assert kind is not None, "a statement of no kind has a reason"
    return SafeSql(kind, tuple(statements))


def _kind(statement: Statement) -> ResultKind | None:
    words = statement.words
    first = words[0]
    if first in _WRITES:
        return "write"
    if first in _READS:
        return "write" if first == "WITH" and _verb_after_with(statement) in _WRITES else "select"
    return "ddl_batch" if first in ("CREATE", "ALTER", "DROP", "COMMENT") else None


def _reasons(statement: Statement) -> Iterator[str]:
    kind = _kind(statement)
    reason = forbidden_reason(statement)
    if reason is not None:
        yield reason
    elif statement.words[0] == "TRUNCATE":
        yield "TRUNCATE is destructive and needs a direct connection"
    elif kind is None:
        yield f"{statement.words[0][:40]} is none of SELECT, INSERT, UPDATE, DELETE, MERGE, CREATE, ALTER, COMMENT"
    elif kind == "ddl_batch":
        yield from _ddl_reasons(statement)
    else:
        yield from _row_reasons(statement)
    yield from _function_reasons(statement.tokens)
    if statement.words[-1] == ";" or _depths(statement) is None:
        yield "its parentheses do not match"


def _ddl_reasons(statement: Statement) -> Iterator[str]:
    verb, _, object_type = statement_kind(statement).partition(" ")
    words = statement.words
    if verb == "DROP":
        if object_type not in _DROPS:
            yield f"DROP {object_type} destroys data: it is destructive and needs a direct connection"
    elif verb in ("CREATE", "ALTER") and object_type not in _CREATES:
        yield f"{verb} {object_type} is not allowed in a query; use a blueprint"
    if verb == "ALTER":
        if "OWNER" in words:
            yield "ALTER … OWNER is not allowed: it changes roles"
        if any(a == "DROP" and b not in _LOSES_NOTHING for a, b in pairwise(words[3:])):
            yield "ALTER TABLE … DROP destroys the column's data: it is destructive and needs a direct connection"
    if _writes_inside(statement):
        yield "it changes rows inside another statement"


def _row_reasons(statement: Statement) -> Iterator[str]:
    if _writes_inside(statement):
        yield "it changes rows inside another statement"
    words = statement.words
    depths = _depths(statement) or [0] * len(words)
    outer = [word for word, depth in zip(words, depths, strict=True) if depth == 0]
    verb = _verb_after_with(statement) if words[0] == "WITH" else words[0]
    if verb in ("UPDATE", "DELETE") and "WHERE" not in outer:
        yield f"{verb} without WHERE changes every row; add WHERE true to change all rows"
    if verb not in _WRITES and "INTO" in words:
        yield "SELECT INTO creates a table; use CREATE TABLE … AS"


def _verb_after_with(statement: Statement) -> str:
    """Return the main verb of a statement that begins with WITH: the first one outside of all parentheses."""
    depths = _depths(statement) or []
    verbs = _WRITES | {"SELECT", "VALUES", "TABLE"}
    return next((word for word, depth in zip(statement.words, depths, strict=False) if not depth and word in verbs), "")


def _writes_inside(statement: Statement) -> bool:
    """Return whether a verb that writes stands where a statement may begin, inside of parentheses.

    INSERT, UPDATE and DELETE are not reserved words, so an unquoted column of such a name is found too. Quoting the
    column's name avoids that.
    """
    words = statement.words
    depths = _depths(statement) or []
    for at, (word, depth) in enumerate(zip(words, depths, strict=False)):
        if word not in _WRITES or depth == 0:
            continue
        previous = words[at - 1]
        following = words[at + 1] if at + 1 < len(words) else ""
        if previous == "(" or (previous == ")" and following != ","):
            return True
    return False


def _depths(statement: Statement) -> list[int] | None:
    """Return the depth of parentheses around each token, or None if they do not match.

    A parenthesis has the depth of the tokens outside of it.
    """
    depth = 0
    depths: list[int] = []
    for word in statement.words:
        depth -= word == ")"
        if depth < 0:
            return None
        depths.append(depth)
        depth += word == "("
    return depths if depth == 0 else None


def _function_reasons(tokens: Sequence[Token]) -> Iterator[str]:
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.kind is TokenKind.QUOTED_NAME and token.text[0] in "uU":
            yield 'names like U&"…" are not allowed: they hide which function is called'
        if following is None or following.text != "(" or token.kind not in (TokenKind.WORD, TokenKind.QUOTED_NAME):
            continue
        name = token.text.strip('"`').lower()
        reason = forbidden_function_reason(name)
        if reason is not None:
            yield f"{name}() is not allowed: {reason}"
