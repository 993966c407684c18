"""MySQL's pure pieces: reading SQL, writing values, names, what a size asks for."""

# ruff: noqa: E501
from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.blueprints.dialects import DIALECTS, MYSQL, Dialect
from controlplane.blueprints.lexer import LexError, TokenKind
from controlplane.blueprints.mysql.literals import LITERALS
from controlplane.blueprints.mysql.statement_policy import is_transactional
from controlplane.blueprints.variables import Definition, VariableError, literal, render
from controlplane.databases.quotas import QuotaAction, decide, is_over_warning_threshold
from controlplane.engines.mysql.connection import identifier, verifier
from controlplane.engines.naming import candidate_names
from controlplane.plans import Quotas

BODY = """CREATE PROCEDURE p(n int) BEGIN
    DECLARE EXIT HANDLER FOR NOT FOUND BEGIN END;
    outer_one: LOOP
        IF (n > 1) THEN SET n = IF(n, 1, 2); ELSEIF n THEN LEAVE outer_one; END IF;
    END LOOP;
    CASE n WHEN 1 THEN SELECT CASE WHEN 1 THEN IF(1, 2, 3) END; ELSE SELECT REPEAT('x', 3); END CASE;
    REPEAT SET n = n + 1; UNTIL n > 3 END REPEAT;
    WHILE n DO SET n = 0; END WHILE;
    FOR i IN 1..3 DO SELECT i FROM t FOR UPDATE; END FOR;
    SELECT t.end, t.begin FROM t;
    DROP TABLE IF EXISTS t;
END"""

# Found by bug reports and by tests/fuzz; MariaDB takes each as one statement.
ONE_STATEMENT = (
    "CREATE TRIGGER b BEFORE INSERT ON u FOR EACH ROW FOLLOWS a IF NEW.k IS NULL THEN SET NEW.k = UUID(); END IF",
    "CREATE TRIGGER b BEFORE INSERT ON u FOR EACH ROW PRECEDES `a;b` BEGIN SET @a = 1; SET @b = 2; END",
    "CREATE PROCEDURE p(a INT) COMMENT 'x' IF a THEN SELECT 1; SELECT 2; END IF",
    "CREATE FUNCTION f() RETURNS CHAR(3) CHARACTER SET utf8mb4 x: BEGIN RETURN 1; END",
    "CREATE PROCEDURE p() BEGIN DECLARE end INT; SET @a = CASE WHEN 1 THEN end END; SELECT 1 AS end; END",
    "CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR SQLSTATE VALUE '23000', NOT FOUND IF 1 THEN SELECT 1; END IF; END",
    "CREATE PROCEDURE p() IF IF(1, 2, 3) THEN SELECT IF(1, (SELECT CASE 1 WHEN 1 THEN 2 END), 3); ELSE SELECT 2; END IF",
    "CREATE PROCEDURE p() FOR i IN 1..CASE 1 WHEN 1 THEN 2 END DO SELECT 1; SELECT i; END FOR",
    "CREATE PROCEDURE p() BEGIN `end`: REPEAT SELECT @end; UNTIL 1 END REPEAT `end`; END",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' ON COMPLETION NOT PRESERVE COMMENT ';' DO BEGIN DO 1; END",
    "ALTER EVENT e RENAME TO begin DO BEGIN SELECT 1; END",
    "CREATE DEFINER=`a;b`@ FUNCTION d.1e5x() RETURNS VARCHAR(3) BINARY BEGIN DECLARE c CURSOR FOR SELECT 1; RETURN 1; END",
    "BEGIN NOT ATOMIC DECLARE begin INT; SELECT 1; END",
    "WHILE NULL SOUNDS LIKE CASE.row DO SELECT 1; END WHILE",
    "FOR i IN 1..@do DO CASE 1 WHEN a SOUNDS LIKE end THEN SELECT 1; END CASE; END FOR",
    "IF 1 THEN SELECT 1; ELSEIF 2 THEN SELECT 2; END IF",
    "SET STATEMENT max_statement_time = 1 FOR CREATE PROCEDURE p() BEGIN SELECT 1; END",
    "CREATE PACKAGE BODY p AS x INT; PROCEDURE a AS BEGIN SELECT 1; END; BEGIN x := 1; EXCEPTION WHEN OTHERS THEN NULL; END",
    "CREATE PACKAGE BODY p PROCEDURE a() BEGIN SELECT 1; END; END",
    "CREATE PROCEDURE p AS x INT; BEGIN <<l>> LOOP EXIT WHEN 1; END LOOP; DECLARE BEGIN SELECT 1; END; END p",
)


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        (r"SELECT 'a\';b'; SELECT 2", [r"SELECT 'a\';b'", "SELECT 2"]),
        ('SELECT "a\\";b"; SELECT 2', ['SELECT "a\\";b"', "SELECT 2"]),
        ("SELECT 'a'';b', `x;``y`", ["SELECT 'a'';b', `x;``y`"]),
        ("SELECT 1 # a;b\n; SELECT 2", ["SELECT 1 # a;b", "SELECT 2"]),
        ("SELECT 1 -- a;b\n; SELECT 2", ["SELECT 1 -- a;b", "SELECT 2"]),
        ("SELECT 1--a;SELECT 2", ["SELECT 1--a", "SELECT 2"]),
        ("SELECT 1 /* a;b /* c */; SELECT 2", ["SELECT 1 /* a;b /* c */", "SELECT 2"]),
        ("-- only\n;;  ;", []),
        (f"{BODY}; SELECT 2", [BODY, "SELECT 2"]),
        (
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW IF NEW.x THEN SET NEW.x = 1; END IF; SELECT 2",
            ["CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW IF NEW.x THEN SET NEW.x = 1; END IF", "SELECT 2"],
        ),
        (
            "CREATE TRIGGER t AFTER DELETE ON a FOR EACH ROW DELETE FROM b; SELECT 2",
            ["CREATE TRIGGER t AFTER DELETE ON a FOR EACH ROW DELETE FROM b", "SELECT 2"],
        ),
        ("CREATE TABLE t (begin int); SELECT 2", ["CREATE TABLE t (begin int)", "SELECT 2"]),
        (
            "CREATE TABLE `trigger` (event int, begin int); SELECT 2",
            ["CREATE TABLE `trigger` (event int, begin int)", "SELECT 2"],
        ),
        *(([f"{one}; SELECT 2", [one, "SELECT 2"]]) for one in ONE_STATEMENT),
    ],
)
def test_statements_end_where_the_server_ends_them(sql: str, statements: list[str]) -> None:
    assert [statement.text.rstrip() for statement in MYSQL.split(sql)] == statements


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_splitting_takes_time_in_proportion_to_the_text(dialect: Dialect) -> None:
    def seconds(lines: int) -> float:
        sql = "INSERT INTO t (a, b) VALUES (1, 'it''s'); -- said\n" * lines
        began = time.process_time()
        assert len(dialect.split(sql)) == lines
        return time.process_time() - began

    few, many = (min(seconds(lines) for _ in range(3)) for lines in (500, 8_000))
    assert many / few < 4 * 16  # if it grew with the square, 16 * 16


@pytest.mark.parametrize("sql", ["SELECT 'a", 'SELECT "a', "SELECT `a", "/* a", "SELECT /*!5 1 */", "/*M! 1 */"])
def test_sql_that_cannot_be_read_is_an_error(sql: str) -> None:
    with pytest.raises(LexError):
        MYSQL.split(sql)


@given(st.text(alphabet=st.sampled_from("a1 ;'\"`\\#-/*!{}\n()$"), max_size=40))
def test_nothing_is_lost_or_invented(sql: str) -> None:
    with contextlib.suppress(LexError):
        assert "".join(token.text for token in MYSQL.tokens(sql)) == sql


@given(st.text())
def test_a_string_is_one_literal_whatever_it_holds(value: str) -> None:
    written = literal(Definition("v"), value, LITERALS)
    kinds = [token.kind for token in MYSQL.tokens(written) if token.kind is not TokenKind.SPACE]
    assert kinds in ([TokenKind.STRING], [TokenKind.WORD, TokenKind.STRING])
    assert "\\" not in written


@given(st.text(min_size=1, max_size=64))
def test_an_identifier_is_one_name_or_refused(value: str) -> None:
    try:
        written = literal(Definition("v", "identifier"), value, LITERALS)
    except VariableError:
        return
    assert [token.kind for token in MYSQL.tokens(written)] == [TokenKind.QUOTED_NAME]


def test_a_negative_number_makes_no_comment() -> None:
    sql = render("SELECT 1--{{n}}", {"n": Definition("n", "number")}, {"n": -5}, MYSQL.tokens, LITERALS)
    assert all(token.kind is not TokenKind.COMMENT for token in MYSQL.tokens(sql))


def test_variables_in_strings_and_comments_are_text() -> None:
    sql = "SELECT '{{n}}', \"{{n}}\", `{{n}}` -- {{n}}\n# {{n}}"
    assert render(sql, {}, None, MYSQL.tokens, LITERALS) == sql


@pytest.mark.parametrize(
    ("sql", "allowed"),
    [
        ("SET @a = 1, @b = (SELECT 1, 2)", True),
        ("SET foreign_key_checks = 0", True),
        ("SET GLOBAL x = 1", False),
        ("SET STATEMENT max_statement_time = 1 FOR SELECT 1", False),
        ("DROP USER a", False),
        ("DROP TABLE user", True),
        ("CREATE TABLE `role` (i int)", True),
        ("CREATE OR REPLACE ROLE r", False),
        ("SELECT 1 INTO DUMPFILE 'x'", False),
        ("SELECT 1 INTO @a", True),
        ("REPLACE INTO t VALUES (1)", True),
        ("begin", False),
    ],
)
def test_refusals(sql: str, allowed: bool) -> None:
    assert (MYSQL.forbidden_reason(MYSQL.split(sql)[0]) is None) is allowed


@pytest.mark.parametrize(
    ("sql", "expected"), [("INSERT INTO t VALUES (1)", True), ("TRUNCATE t", False), ("CALL p()", False)]
)
def test_what_can_be_rolled_back(sql: str, expected: bool) -> None:
    assert is_transactional(MYSQL.split(sql)[0]) is expected


@given(st.from_regex(r"[a-z0-9][a-z0-9\-]{0,62}", fullmatch=True), st.integers(1, 2**31 - 1))
def test_names_fit_into_a_directory(name: str, number: int) -> None:
    candidates = candidate_names(name, number, "mysql")
    assert len(set(candidates)) == len(candidates)
    for candidate in candidates:
        assert len(candidate.replace("-", "@002d").encode()) <= 255
        assert 0 < len(candidate) <= 64


@pytest.mark.parametrize(
    ("size", "stopped", "step"),
    [
        (999_999_999, False, QuotaAction.NOTHING),
        (1_000_000_000, False, QuotaAction.STOP),
        (1_000_000_000, True, QuotaAction.STOP),
        (999_999_999, True, QuotaAction.ALLOW),
    ],
)
def test_what_a_size_asks_for(size: int, stopped: bool, step: QuotaAction) -> None:
    assert decide(size, Quotas(1, 5, 80), stopped=stopped) is step


@pytest.mark.parametrize(("size", "expected"), [(799_999_999, False), (800_000_000, True)])
def test_the_warning_threshold(size: int, expected: bool) -> None:
    assert is_over_warning_threshold(size, Quotas(1, 5, 80)) is expected


def test_quoting_and_the_password_s_verifier() -> None:
    assert identifier("a`b") == "`a``b`"
    # Known from the server: SELECT PASSWORD('secret').
    assert verifier("secret") == "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7"


@pytest.mark.parametrize("value", ["", "x" * 65, "ends ", "nul\0", "🐬", 5])
def test_what_cannot_be_an_identifier(value: Any) -> None:
    with pytest.raises(VariableError, match="identifier"):
        literal(Definition("v", "identifier"), value, LITERALS)
