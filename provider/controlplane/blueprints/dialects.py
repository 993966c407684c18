"""Dialects: the engines' rules for tokens, statements, literals and rejected statements. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from controlplane.blueprints import lexer, sources, splitter, variables
from controlplane.blueprints import statement_policy as statements
from controlplane.blueprints.lexer import Token
from controlplane.blueprints.mysql import lexer as mysql_lexer
from controlplane.blueprints.mysql import literals as mysql_literals
from controlplane.blueprints.mysql import sources as mysql_sources
from controlplane.blueprints.mysql import splitter as mysql_splitting
from controlplane.blueprints.mysql import statement_policy as mysql_statements
from controlplane.blueprints.sources import SqlSource
from controlplane.blueprints.splitter import Statement
from controlplane.blueprints.variables import Literals


@dataclass(frozen=True)
class Dialect:
    """The rules by which one engine reads SQL."""

    label: str
    read: Callable[[str], SqlSource]  # blanks out what is not SQL
    tokens: Callable[[str], Iterator[Token]]  # raises LexError
    split: Callable[[str], list[Statement]]  # raises LexError
    statements: Callable[[Sequence[Token]], list[Statement]]  # splits all tokens of a text
    forbidden_reason: Callable[[Statement], str | None]
    literals: Literals


POSTGRES: Final = Dialect(
    "PostgreSQL",
    sources.read,
    lexer.tokens,
    splitter.split,
    splitter.statements,
    statements.forbidden_reason,
    variables.POSTGRES_LITERALS,
)
MYSQL: Final = Dialect(
    "MySQL",
    mysql_sources.read,
    mysql_lexer.tokens,
    mysql_splitting.split,
    mysql_splitting.statements,
    mysql_statements.forbidden_reason,
    mysql_literals.LITERALS,
)
DIALECTS: Final[Mapping[str, Dialect]] = {"postgres": POSTGRES, "mysql": MYSQL}

_SIGNS: Final = {
    "mysql": re.compile(
        r"`|\bengine\s*=|\bauto_increment\b|\bunsigned\b|\bon\s+duplicate\s+key\b|\bsignal\s+sqlstate\b|\bcharset\b"
        r"|\bdelimiter\b|\block\s+tables\b|\b(?:tiny|medium)(?:int|text)\b|\bdatetime\b|\bdefiner\b|\breplace\s+into\b",
        re.IGNORECASE,
    ),
    "postgres": re.compile(
        r"\$\w*\$|::|\b(?:big)?serial\b|\bplpgsql\b|\bjsonb\b|\btimestamptz\b|\bon\s+conflict\b|\bilike\b|\bbytea\b"
        r"|\bexecute\s+(?:function|procedure)\b|\bas\s+identity\b|\bcreate\s+(?:extension|type|domain)\b|\bowner\s+to\b",
        re.IGNORECASE,
    ),
}


def more_likely_dialect(sql: str) -> Dialect:
    """Return the dialect with more characteristic words in the text. If both have as many, return PostgreSQL."""
    signs = {name: sum(1 for _ in pattern.finditer(sql)) for name, pattern in _SIGNS.items()}
    return MYSQL if signs["mysql"] > signs["postgres"] else POSTGRES
