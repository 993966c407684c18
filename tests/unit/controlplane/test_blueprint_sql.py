# ruff: noqa: E501
from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.blueprints.lexer import LexError, tokens
from controlplane.blueprints.splitter import split
from controlplane.blueprints.statement_policy import forbidden_reason, object_of, statement_kind, warnings_of

PIECES = st.sampled_from(
    [
        "'",
        '"',
        "$$",
        "$t$",
        "--",
        "\n",
        "/*",
        "*/",
        ";",
        "{{x}}",
        "E'",
        "\\",
        "BEGIN ATOMIC",
        "END",
        "(",
        ")",
        "a",
        " ",
        "1",
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join))
def test_no_character_is_lost_or_invented(sql: str) -> None:
    with contextlib.suppress(LexError):
        assert "".join(token.text for token in tokens(sql)) == sql


ATOMIC = "CREATE FUNCTION f(begin atomic) RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT t.end, CASE WHEN a THEN b END; END"
NESTED = "CREATE PROCEDURE p() BEGIN ATOMIC CREATE OR REPLACE FUNCTION g() RETURNS int BEGIN ATOMIC RETURN 1; END; END"


def texts(sql: str) -> list[str]:
    return [statement.text for statement in split(sql)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("", []),
        (" ;; -- nothing\n; /* at all */", []),
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';'; SELECT \";\";", ["SELECT ';'", 'SELECT ";"']),
        ("SELECT 'it''s;'; x", ["SELECT 'it''s;'", "x"]),
        (r"SELECT E'a\';b'; x", [r"SELECT E'a\';b'", "x"]),
        (r"SELECT 'a\'; x", [r"SELECT 'a\'", "x"]),
        ("DO $$ BEGIN a; b; END $$; x", ["DO $$ BEGIN a; b; END $$", "x"]),
        ("DO $q$ $$;$$ $q$; x", ["DO $q$ $$;$$ $q$", "x"]),
        ("SELECT a$b$c; x", ["SELECT a$b$c", "x"]),
        ("SELECT $1; x", ["SELECT $1", "x"]),
        ("SELECT 1 /* ; /* ; */ ; */; x", ["SELECT 1 /* ; /* ; */ ; */", "x"]),
        ("SELECT 1 -- ; here\n; x", ["SELECT 1 -- ; here", "x"]),
        ("CREATE RULE r AS ON INSERT TO t DO (a; b); x", ["CREATE RULE r AS ON INSERT TO t DO (a; b)", "x"]),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; x",
            ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END", "x"],
        ),
        ("SELECT 1 AS begin; x", ["SELECT 1 AS begin", "x"]),
        ("SELECT 1 -- ;\rAS a; x", ["SELECT 1 -- ;\rAS a", "x"]),
        ("SELECT E'a'\n 'b\\';c'; x", ["SELECT E'a'\n 'b\\';c'", "x"]),
        ("SELECT E'a' 'b\\'; x", ["SELECT E'a' 'b\\'", "x"]),
        ("SELECT 1 AS a\u00a0; x", ["SELECT 1 AS a\u00a0", "x"]),
        ("SELECT E'a' -- ;\n 'b\\';c'; x", ["SELECT E'a' -- ;\n 'b\\';c'", "x"]),
        (f"{ATOMIC}; x", [ATOMIC, "x"]),
        (f"{NESTED}; x", [NESTED, "x"]),
    ],
)
def test_statements_end_where_the_server_ends_them(sql: str, expected: list[str]) -> None:
    assert texts(sql) == expected


@pytest.mark.parametrize("sql", ["SELECT 'a", 'SELECT "a', "SELECT E'a\\'", "DO $$ a", "/* a /* b */", "SELECT U&'a"])
def test_unterminated_quotes_and_comments_are_errors(sql: str) -> None:
    with pytest.raises(LexError, match="unterminated"):
        split(sql)


@pytest.mark.parametrize(
    ("sql", "kind", "object_"),
    [
        ('create table if not exists public."A b" (id int)', "CREATE TABLE", 'public."A b"'),
        ("CREATE OR REPLACE TEMP VIEW v AS SELECT 1", "CREATE VIEW", "v"),
        ("CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX", "i"),
        ("CREATE MATERIALIZED VIEW m AS SELECT 1", "CREATE MATERIALIZED VIEW", "m"),
        ("DROP TABLE IF EXISTS t", "DROP TABLE", "t"),
        ("INSERT INTO t (a) VALUES (1)", "INSERT", "t"),
        ("DELETE FROM t", "DELETE", "t"),
        ("UPDATE ONLY t SET a = 1", "UPDATE", "t"),
        ("ALTER TABLE ONLY public.t ADD COLUMN a int", "ALTER TABLE", "public.t"),
        ("ALTER TABLE IF EXISTS ONLY (public.t) ADD COLUMN a int", "ALTER TABLE", "public.t"),
        ('ALTER TABLE IF EXISTS ONLY public."T" DROP a', "ALTER TABLE", 'public."T"'),
        ("ALTER FOREIGN TABLE ONLY t ADD a int", "ALTER FOREIGN TABLE", "t"),
        ("DELETE FROM ONLY s.t WHERE a", "DELETE", "s.t"),
        ("TRUNCATE TABLE ONLY t", "TRUNCATE", "t"),
        ("TRUNCATE ONLY t", "TRUNCATE", "t"),
        ("CREATE INDEX ON ONLY t (a)", "CREATE INDEX", None),
        ("CREATE INDEX IF NOT EXISTS i ON ONLY t (a)", "CREATE INDEX", "i"),
        ("INSERT IGNORE INTO t VALUES (1)", "INSERT", "t"),
        ("REPLACE INTO t VALUES (1)", "REPLACE", "t"),
        ("WITH x AS (SELECT 1) DELETE FROM t", "DELETE", None),
        ("SELECT 1", "SELECT", None),
        ("CREATE TABLE {{name}} (id int)", "CREATE TABLE", "{{name}}"),
    ],
)
def test_kind_and_object(sql: str, kind: str, object_: str | None) -> None:
    (statement,) = split(sql)
    assert (statement_kind(statement), object_of(statement)) == (kind, object_)


@pytest.mark.facts("S21")
@pytest.mark.parametrize(
    "sql",
    [
        "BEGIN", "start transaction", "COMMIT", "END", "ROLLBACK TO x", "SAVEPOINT x", "PREPARE TRANSACTION 'x'",
        "SET TRANSACTION READ ONLY", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET ROLE postgres",
        "SET LOCAL ROLE x", "SET SESSION AUTHORIZATION x", "RESET ROLE", "RESET ALL",
        "CREATE DATABASE x", "ALTER ROLE x SUPERUSER", "DROP USER x", "ALTER SYSTEM SET x = 1", "CREATE TABLESPACE x",
        "VACUUM", "CREATE INDEX CONCURRENTLY i ON t (a)", "DROP INDEX CONCURRENTLY i", "REINDEX DATABASE x",
        "COPY t FROM '/etc/passwd'", "COPY t TO PROGRAM 'sh'", "LOAD 'x'", "LISTEN x", "REASSIGN OWNED BY a TO b",
        "/* hidden */ commit", "-- hidden\rCOMMIT\n AND CHAIN", "DISCARD ALL", "CHECKPOINT",
    ],
)  # fmt: skip
def test_refused(sql: str) -> None:
    (statement,) = split(sql)
    assert forbidden_reason(statement), sql


@pytest.mark.parametrize(
    "sql",
    ["CREATE TABLE t (role text)", "SELECT 'COMMIT'", "SET LOCAL search_path TO x", "CREATE INDEX i ON t (a)",
     "ALTER TABLE t ADD COLUMN database text", "CREATE EXTENSION pgcrypto", "GRANT SELECT ON t TO public",
     "DO $$ BEGIN NULL; END $$", "REFRESH MATERIALIZED VIEW m",
     "CREATE TRIGGER a BEFORE INSERT ON t EXECUTE FUNCTION f()"],
)  # fmt: skip
def test_allowed(sql: str) -> None:
    (statement,) = split(sql)
    assert forbidden_reason(statement) is None


@pytest.mark.parametrize(
    ("sql", "warned"),
    [
        ("DROP TABLE t", True),
        ("TRUNCATE t", True),
        ("DELETE FROM t", True),
        ("DELETE FROM t WHERE a = 1", False),
        ("UPDATE t SET a = 1", True),
        ("UPDATE t SET a = 1 WHERE b", False),
        ("ALTER TABLE t DROP COLUMN a", True),
        ("ALTER TABLE t DROP a", True),
        ("ALTER TABLE t DROP CONSTRAINT c", False),
        ("ALTER TABLE t ALTER COLUMN a DROP NOT NULL", False),
        ("CREATE TABLE t (id int)", False),
    ],
)
def test_destructive_statements_are_warned_of(sql: str, warned: bool) -> None:
    (statement,) = split(sql)
    assert bool(warnings_of(statement)) is warned
