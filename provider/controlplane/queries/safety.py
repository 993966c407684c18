"""Whether SQL is run at all, and as what. Pure.

The protection proper is the tenant's own role, a read-only transaction and the time-outs (see running.py). This check
comes before them: it refuses with a reason what nobody who asks in plain language means to do, and tells apart what
is run in three different ways. It goes by the server's own tokens, not by a grammar: a grammar that is not the
server's leaves gaps between the two. Where it cannot know it refuses.
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
_MAKES: Final = frozenset(
    {"TABLE", "INDEX", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "SCHEMA", "TYPE", "DOMAIN", "STATISTICS"}
)
_DROPS: Final = frozenset({"VIEW", "INDEX", "STATISTICS"})  # what holds no data of its own
_LOSES_NOTHING: Final = frozenset({"CONSTRAINT", "DEFAULT", "NOT", "IDENTITY", "EXPRESSION"})
_MOST_STATEMENTS: Final = 20


@dataclass(frozen=True)
class SafeSql:
    """SQL that may be run: one statement, or several of DDL."""

    kind: ResultKind
    statements: tuple[Statement, ...]


def check_safety(sql: str, *, split: Split) -> SafeSql:
    """What kind of SQL it is. Raises Unsafe; SqlFailed where it is no SQL at all (an open quote)."""
    try:
        statements = split(sql)
    except LexError as error:
        raise SqlError(str(error)) from None
    if not statements:
        raise UnsafeSqlError(["it holds no statement"])
    kinds = [_kind(statement) for statement in statements]
    reasons = [reason for statement in statements for reason in _reasons(statement)]
    if len(statements) > 1 and set(kinds) != {"ddl_batch"}:
        reasons.insert(0, "it holds several statements; only those that define tables may come together")
    if len(statements) > _MOST_STATEMENTS:
        reasons.insert(0, f"it holds {len(statements)} statements, more than {_MOST_STATEMENTS}")
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
        return "write" if first == "WITH" and _verb_behind_with(statement) in _WRITES else "select"
    return "ddl_batch" if first in ("CREATE", "ALTER", "DROP", "COMMENT") else None


def _reasons(statement: Statement) -> Iterator[str]:
    kind = _kind(statement)
    refusal = forbidden_reason(statement)
    if refusal is not None:
        yield refusal
    elif statement.words[0] == "TRUNCATE":
        yield "TRUNCATE is destructive and needs a direct connection"
    elif kind is None:
        yield f"{statement.words[0][:40]} is none of SELECT, INSERT, UPDATE, DELETE, MERGE, CREATE, ALTER, COMMENT"
    elif kind == "ddl_batch":
        yield from _of_ddl(statement)
    else:
        yield from _of_rows(statement)
    yield from _functions(statement.tokens)
    if statement.words[-1] == ";" or _depths(statement) is None:
        yield "its parentheses do not match"


def _of_ddl(statement: Statement) -> Iterator[str]:
    verb, _, what = statement_kind(statement).partition(" ")
    words = statement.words
    if verb == "DROP":
        if what not in _DROPS:
            yield f"DROP {what} destroys what it holds: it is destructive and needs a direct connection"
    elif verb in ("CREATE", "ALTER") and what not in _MAKES:
        yield f"{verb} {what} is not allowed in a query; use a blueprint"
    if verb == "ALTER":
        if "OWNER" in words:
            yield "ALTER … OWNER concerns roles"
        if any(a == "DROP" and b not in _LOSES_NOTHING for a, b in pairwise(words[3:])):
            yield "ALTER TABLE … DROP destroys what the column holds: it is destructive and needs a direct connection"
    if _writes_inside(statement):
        yield "it changes rows inside another statement"


def _of_rows(statement: Statement) -> Iterator[str]:
    if _writes_inside(statement):
        yield "it changes rows inside another statement"
    words = statement.words
    depths = _depths(statement) or [0] * len(words)
    outer = [word for word, depth in zip(words, depths, strict=True) if depth == 0]
    verb = _verb_behind_with(statement) if words[0] == "WITH" else words[0]
    if verb in ("UPDATE", "DELETE") and "WHERE" not in outer:
        yield f"{verb} without WHERE changes every row; say WHERE true where all are meant"
    if verb not in _WRITES and "INTO" in words:
        yield "SELECT INTO makes a table; use CREATE TABLE … AS"


def _verb_behind_with(statement: Statement) -> str:
    """The main verb of a statement that begins with WITH: the first one outside of all parentheses."""
    depths = _depths(statement) or []
    verbs = _WRITES | {"SELECT", "VALUES", "TABLE"}
    return next((word for word, depth in zip(statement.words, depths, strict=False) if not depth and word in verbs), "")


def _writes_inside(statement: Statement) -> bool:
    """Whether a verb that writes stands where a statement may begin inside of parentheses.

    INSERT, UPDATE and DELETE are no reserved words, so a bare column may be called like that; quoting it helps.
    """
    words = statement.words
    depths = _depths(statement) or []
    for at, (word, depth) in enumerate(zip(words, depths, strict=False)):
        if word not in _WRITES or depth == 0:
            continue
        before = words[at - 1]
        behind = words[at + 1] if at + 1 < len(words) else ""
        if before == "(" or (before == ")" and behind != ","):
            return True
    return False


def _depths(statement: Statement) -> list[int] | None:
    """How deep in parentheses each token stands (a parenthesis itself: outside); None where they do not match."""
    depth = 0
    found: list[int] = []
    for word in statement.words:
        depth -= word == ")"
        if depth < 0:
            return None
        found.append(depth)
        depth += word == "("
    return found if depth == 0 else None


def _functions(tokens: Sequence[Token]) -> Iterator[str]:
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.kind is TokenKind.QUOTED_NAME and token.text[0] in "uU":
            yield 'names like U&"…" are not allowed: they hide what is called'
        if following is None or following.text != "(" or token.kind not in (TokenKind.WORD, TokenKind.QUOTED_NAME):
            continue
        name = token.text.strip('"`').lower()
        reason = forbidden_function_reason(name)
        if reason is not None:
            yield f"{name}() is not allowed: {reason}"
