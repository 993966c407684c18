"""What SQL is run and as what, what is refused and why, and which texts are SQL at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from controlplane.blueprints.splitter import split
from controlplane.plans import PLANS
from controlplane.queries.daily_limit import seconds_until_tomorrow
from controlplane.queries.errors import SqlError, UnsafeSqlError
from controlplane.queries.postgres.rows import parse_row
from controlplane.queries.safety import check_safety
from controlplane.queries.sql_detection import looks_like_sql

SAFE = {
    "SELECT * FROM t": "select",
    "select 'DROP TABLE t; DELETE FROM t' AS x;": "select",
    "WITH a AS (SELECT 1) SELECT * FROM a": "select",
    "VALUES (1), (2)": "select",
    "TABLE t": "select",
    "(SELECT 1) UNION (SELECT 2)": "select",
    'SELECT "delete", update FROM t': "select",
    "SELECT pg_size_pretty(1::bigint), sleepy(1), \"Http\".x FROM t": "select",
    "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 1": "write",
    "UPDATE t SET x = (SELECT 1) WHERE id = 1": "write",
    "DELETE FROM t WHERE true": "write",
    "WITH a AS (SELECT 1) DELETE FROM t WHERE id IN (SELECT * FROM a)": "write",
    "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE": "write",
    "CREATE TABLE t (id int REFERENCES u ON DELETE CASCADE ON UPDATE CASCADE)": "ddl_batch",
    "CREATE TABLE a (id int); CREATE INDEX ON a (id); COMMENT ON TABLE a IS 'x;y'": "ddl_batch",
    "ALTER TABLE t ADD COLUMN x int": "ddl_batch",
    "ALTER TABLE t ALTER x DROP NOT NULL": "ddl_batch",
    "DROP INDEX i": "ddl_batch",
}  # fmt: skip
UNSAFE = {
    "SELECT 1; SELECT 2": "several statements",
    "CREATE TABLE a (i int); INSERT INTO a VALUES (1)": "several statements",
    "-- nothing": "no statement",
    "UPDATE t SET x = 1": "without WHERE",
    "UPDATE t SET x = (SELECT 1 WHERE true)": "without WHERE",
    "DELETE FROM t -- WHERE id = 1": "without WHERE",
    "DELETE FROM t RETURNING 'WHERE'": "without WHERE",
    "WITH a AS (SELECT 1 WHERE true) DELETE FROM t": "without WHERE",
    "WITH x AS (DELETE FROM t WHERE true RETURNING *) SELECT * FROM x": "inside another",
    "WITH x AS (WITH y AS (SELECT 1) UPDATE t SET a = 1 WHERE true RETURNING *) SELECT 1": "inside another",
    "DROP TABLE t": "destructive", "DROP SCHEMA public CASCADE": "destructive", "TRUNCATE t": "destructive",
    "ALTER TABLE t DROP COLUMN x": "destructive", "ALTER TABLE t DROP x": "destructive",
    "ALTER TABLE t OWNER TO someone": "roles",
    "DROP DATABASE d": "server", "CREATE ROLE r": "server", "ALTER SYSTEM SET x = 1": "server",
    "BEGIN": "transaction", "COMMIT": "transaction", "ROLLBACK": "transaction",
    "SET ROLE postgres": "session", "SET search_path = x": "none of", "RESET ALL": "session",
    "COPY t TO PROGRAM 'sh'": "files", "LOAD 'x'": "server", "DO $$ BEGIN END $$": "none of",
    "CALL p()": "none of", "LOCK TABLE t": "none of", "GRANT ALL ON t TO PUBLIC": "none of",
    "VACUUM": "transaction", "EXPLAIN ANALYZE SELECT 1": "none of", "LISTEN x": "session",
    "PREPARE p AS SELECT 1": "session",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'": "blueprint",
    "CREATE EXTENSION dblink": "blueprint", "CREATE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()": "blueprint",
    "SELECT * INTO u FROM t": "SELECT INTO",
    "SELECT pg_sleep(10)": "only waits", "SELECT PG_SLEEP_FOR ('1 day')": "only waits",
    "SELECT pg_catalog.\"pg_sleep\" /* */ (1)": "only waits",
    "SELECT U&\"pg\\005fsleep\"(1)": "hide",
    "SELECT pg_read_file('/etc/passwd')": "files", "SELECT lo_import('/x')": "files", "SELECT pg_ls_dir('.')": "files",
    "SELECT * FROM dblink('host=x', 'SELECT 1') AS t(i int)": "other servers",
    "SELECT pg_terminate_backend(1)": "sessions", "SELECT set_config('statement_timeout', '0', false)": "settings",
    "SELECT query_to_xml('DELETE FROM t', true, true, '')": "runs text", "SELECT pg_advisory_lock(1)": "locks",
    "INSERT INTO t SELECT pg_sleep(9)": "only waits", "CREATE VIEW v AS SELECT pg_sleep(9)": "only waits",
    "SELECT 1) AS x; --": "parentheses", "SELECT (1": "parentheses",
}  # fmt: skip


@pytest.mark.parametrize("sql", SAFE)
def test_what_is_run(sql: str) -> None:
    assert check_safety(sql, split=split).kind == SAFE[sql]


@pytest.mark.parametrize("sql", UNSAFE)
def test_what_is_refused(sql: str) -> None:
    with pytest.raises(UnsafeSqlError, match=UNSAFE[sql]):
        check_safety(sql, split=split)


def test_an_open_quote_is_no_sql() -> None:
    with pytest.raises(SqlError, match="unterminated"):
        check_safety("SELECT 'x", split=split)


@pytest.mark.parametrize("sql", [*SAFE, *UNSAFE])
def test_sql_is_taken_for_sql(sql: str) -> None:
    if sql != "-- nothing":
        assert looks_like_sql(sql)


@pytest.mark.parametrize(
    "text",
    ["select all users", "update contact 3 set email to x", "delete order 3", "create a table called t with a",
     "create table t with a", "insert into contacts name Bob", "set status to x for order 3", "show tables",
     "describe t", "with orders", "values of orders", "drop the table t", "table of contents", "call Bob", ""],
)  # fmt: skip
def test_language_is_not(text: str) -> None:
    if text not in ("call Bob",):  # neither is understood, either way
        assert not looks_like_sql(text)


def test_numbers_keep_their_digits() -> None:
    row = parse_row('{"a": 0.1, "b": 0.10000000000000000001, "c": 9007199254740992, "d": 9007199254740993, "e": 1e400}')
    assert row == {
        "a": 0.1, "b": "0.10000000000000000001", "c": 9007199254740992, "d": "9007199254740993", "e": "1e400"
    }  # fmt: skip


@pytest.mark.facts("C23")
def test_daily_limits() -> None:
    assert {name: plan.daily_queries for name, plan in PLANS.items()} == {
        "free": 10, "launch": 500, "grow": 500, "pro": 500
    }  # fmt: skip
    assert seconds_until_tomorrow(datetime(2026, 1, 1, 23, 59, 59, 500_000, tzinfo=UTC)) == 1
    assert seconds_until_tomorrow(datetime(2026, 1, 1, tzinfo=UTC)) == 86_400


def test_deep_or_unpaired_json_is_text() -> None:
    assert parse_row('{"a": "\\ud800"}') == {"a": "\ufffd"}
    deep = '{"a": ' + "[" * 100 + "]" * 100 + "}"
    assert parse_row(deep) == {"row": deep}
