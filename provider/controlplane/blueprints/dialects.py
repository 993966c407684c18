"""What differs between engines when SQL is only read: tokens, statements, literals, what is refused. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from controlplane.blueprints import lexer, splitting, statements, variables
from controlplane.blueprints.lexer import Token
from controlplane.blueprints.mysql import lexer as mysql_lexer
from controlplane.blueprints.mysql import literals as mysql_literals
from controlplane.blueprints.mysql import splitting as mysql_splitting
from controlplane.blueprints.mysql import statements as mysql_statements
from controlplane.blueprints.splitting import Statement
from controlplane.blueprints.variables import Literals


@dataclass(frozen=True)
class Dialect:
    """How one engine reads SQL. tokens and split raise LexError."""

    label: str
    tokens: Callable[[str], Iterator[Token]]
    split: Callable[[str], list[Statement]]
    refusal_of: Callable[[Statement], str | None]
    literals: Literals


POSTGRES: Final = Dialect(
    "PostgreSQL", lexer.tokens, splitting.split, statements.refusal_of, variables.POSTGRES_LITERALS
)
MYSQL: Final = Dialect(
    "MySQL",
    mysql_lexer.tokens,
    mysql_splitting.split,
    mysql_statements.refusal_of,
    mysql_literals.LITERALS,
)
DIALECTS: Final[Mapping[str, Dialect]] = {"postgres": POSTGRES, "mysql": MYSQL}
