"""Random SQL: our statements are those that PostgreSQL's own parser (libpg_query) finds."""

from __future__ import annotations

import random

import postgast
import pytest

from controlplane.blueprints.lexer import SPACES, LexError
from controlplane.blueprints.sources import read
from controlplane.blueprints.splitter import split
from support.fuzz import SECONDS, cases

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 120)]

_PIECES = (
    "'", '"', "$$", "$t$", "$T$", "$1", "--", "\n", "\r", "/*", "*/", ";", ";", "E'", "e'", "\\", "\\'", "''", '""',
    "U&'", 'U&"', "b'", "x'", "N'", "BEGIN ATOMIC", "BEGIN", "ATOMIC", "END", "(", ")", "a", " ", " ", "1", "1.5",
    "CASE WHEN 1=1 THEN 2 END", "SELECT", "SELECT 1", "CREATE FUNCTION f() RETURNS int", "AS", "as end", "a.end", "end",
    "CREATE OR REPLACE PROCEDURE p()", "LANGUAGE sql", "RETURN 1", "CREATE RULE r AS ON INSERT TO t DO",
    "UPDATE t SET a = 1", "INSERT INTO t VALUES (1)", "DO $$ ; $$", "é", "\xa0", "\f", "\t", "@", "<", "-", "+", "*",
    "/", "?", ":", ":=", "=", "[", "]", ",", ".", "a$b$", "1$$", "1e5", "_", "from t", "case", "DECLARE", "begin",
    "atomic", "CREATE SCHEMA s",
)  # fmt: skip
_FRAMES = (
    "SELECT {}", "SELECT {}, {}", "SELECT 'a'{}", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC {}; {}; END",
    "CREATE FUNCTION f(begin atomic) RETURNS int LANGUAGE sql AS $${}$$", "CREATE RULE r AS ON INSERT TO t DO ({}; {})",
    "SELECT CASE WHEN a THEN {} END", "SELECT 1 {}", "CREATE TABLE t (a int {})", "SELECT E'{}'", "SELECT $a${}$a$",
    "SELECT U&'{}' UESCAPE '!'", "/* {} */ SELECT 1", "SELECT 1 -- {}\n", "SELECT E'a'{}'b'",
    "CREATE PROCEDURE p() BEGIN ATOMIC CREATE FUNCTION g() RETURNS int BEGIN ATOMIC {}; END; {}; END",
)  # fmt: skip


def _text(choose: random.Random, depth: int = 0) -> str:
    if depth < 3 and choose.random() < 0.55:
        first, *others = choose.choice(_FRAMES).split("{}")
        return first + "".join(_text(choose, depth + 1) + part for part in others)
    return choose.choice(("", "", " ")).join(choose.choice(_PIECES) for _ in range(choose.randint(0, 5)))


def _sql(choose: random.Random) -> str:
    return choose.choice((";", "; ", "\n;\n")).join(_text(choose) for _ in range(choose.randint(1, 3)))


def _ours(sql: str) -> list[str] | str:
    try:
        return [sql[one.first : one.start + len(one.text)] for one in split(sql)]
    except LexError as error:
        return str(error)


def _agree(ours: list[str] | str, server: list[str]) -> bool:
    """Comments at the edges belong to the one or to the other."""
    if isinstance(ours, str) or len(ours) != len(server):
        return False
    return all(one in other or other in one for one, other in zip(ours, server, strict=True))


def test_statements_are_those_of_the_servers_parser() -> None:
    accepted = 0
    for seed, choose in cases():
        sql = _sql(choose)
        try:
            server = [text.strip(SPACES) for text in postgast.split(sql)]
        except postgast.PgQueryError:
            continue  # no SQL to the server
        accepted += 1
        assert not read(sql).problems, f"seed {seed}: {sql!r} is SQL to the server"
        assert _agree(_ours(sql), server), f"seed {seed}: {sql!r}\nserver: {server}\nours:   {_ours(sql)}"
    assert accepted
