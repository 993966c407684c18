"""POST /query_executions over a real database: what the reference prints, what is refused, what is bounded."""

from __future__ import annotations

import concurrent.futures
import json
import math
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import OTHER_KEY, SCOPE_KEYS, ControlPlane, create_database, frozen, new_key
from support.naming import unique
from support.operations import ABSENT_UUID, error_of
from support.sample_schema import DDL

SECRET_VALUE = "grilled-cheese-0815"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1", "--free-queries", "0") as started:
        yield started


@pytest.fixture(scope="module")
def client(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.client() as made:
        yield made


@pytest.fixture(scope="module")
def shop(client: httpx.Client) -> dict[str, Any]:
    """A database with the shop's tables."""
    database = create_database(client, "shop")
    with psycopg.connect(database["connection_string"], autocommit=True) as conn:
        conn.execute(DDL.encode())
        conn.execute("INSERT INTO contacts (name, email, company) VALUES ('Alice Chen', 'alice@acme.com', 'Acme Corp')")
        conn.execute(
            "INSERT INTO customers (name, country, created_at)"
            " VALUES ('Ann', 'France', '2026-03-10'), ('Bo', 'Peru', '2026-03-11')"
        )
        conn.execute(
            "INSERT INTO orders (customer_id, amount, status) VALUES (1, 10, 'new'), (1, 5, 'sent'), (2, 12, 'new')"
        )
    return database


def ask(client: httpx.Client, database: dict[str, Any], query: str) -> httpx.Response:
    return client.post("/query_executions", json={"database_uuid": database["uuid"], "query": query})


def answer(client: httpx.Client, database: dict[str, Any], query: str) -> dict[str, Any]:
    reply = ask(client, database, query)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def rows(client: httpx.Client, database: dict[str, Any], query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer(client, database, query)["result"]["rows"]
    return found


def set_answer(plane: ControlPlane, query: str, sql: str) -> None:
    with plane.admin() as admin:
        admin.put("/queries", json={"query": query, "sql": sql}).raise_for_status()


def error_in(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    error_of(reply, status, code)
    error: dict[str, Any] = reply.json()["error"]
    return error


def refused(client: httpx.Client, database: dict[str, Any], query: str) -> dict[str, Any]:
    return error_in(ask(client, database, query), 422, "unsafe_query")


def failed(client: httpx.Client, database: dict[str, Any], query: str) -> dict[str, Any]:
    return error_in(ask(client, database, query), 500, "query_execution_failed")


# As the reference prints it


@pytest.mark.facts("S28", "C21", "queries:reference", "queries:kinds")
def test_the_references_select(client: httpx.Client, shop: dict[str, Any]) -> None:
    body = answer(client, shop, "show all contacts from Acme Corp")
    assert body.keys() == {"success", "sql", "result", "query_id", "request_id"}
    assert body["success"] is True
    assert body["sql"] == """SELECT * FROM "contacts" WHERE "company" = 'Acme Corp' LIMIT 100"""
    assert body["result"] == {
        "type": "select",
        "rows": [{"id": 1, "name": "Alice Chen", "email": "alice@acme.com", "company": "Acme Corp"}],
        "rowCount": 1,
        "truncated": False,
        "maxRows": 100,
    }
    assert isinstance(body["query_id"], int)


@pytest.mark.facts("queries:reference", "queries:kinds")
def test_the_references_insert_and_ddl(plane: ControlPlane, client: httpx.Client) -> None:
    database = create_database(client, unique("made"))
    ddl = (
        'CREATE TABLE "contacts" ("id" SERIAL PRIMARY KEY, "name" TEXT, "email" TEXT); '
        'CREATE INDEX ON "contacts" ("email")'
    )
    set_answer(plane, "create a table for contacts", ddl)
    made = answer(client, database, "create a table for contacts")
    assert made["sql"] == ddl
    assert made["result"] == {"type": "ddl_batch", "statementsExecuted": 2}
    added = answer(client, database, "add contact Bob with email bob@example.com")
    assert added["sql"] == """INSERT INTO "contacts" ("name", "email") VALUES ('Bob', 'bob@example.com')"""
    assert added["result"] == {"type": "write", "affectedRows": 1}
    assert added["query_id"] > made["query_id"]
    assert rows(client, database, "show all contacts") == [{"id": 1, "name": "Bob", "email": "bob@example.com"}]


@pytest.mark.facts("queries:failed")
def test_the_references_error(client: httpx.Client) -> None:
    empty = create_database(client, unique("empty"))
    error = failed(client, empty, 'SELECT * FROM "contacts" LIMIT 100')
    assert error["message"] == 'relation "contacts" does not exist'
    assert error["details"].keys() == {"sql", "query_id"}
    assert error["details"]["sql"] == 'SELECT * FROM "contacts" LIMIT 100'


@pytest.mark.facts("queries:reference")
def test_the_references_other_question(plane: ControlPlane, client: httpx.Client, shop: dict[str, Any]) -> None:
    with frozen(plane, "2026-03-15T12:00:00Z"):
        found = rows(client, shop, "show all customers created this month")
    assert [row["name"] for row in found] == ["Ann", "Bo"]


@pytest.mark.facts("queries:patterns")
def test_the_other_patterns(client: httpx.Client, shop: dict[str, Any]) -> None:
    tables = rows(client, shop, "list tables")
    assert [each["table_name"] for each in tables[:3]] == ["companies", "contacts", "customers"]
    assert rows(client, shop, "How many orders are there?") == [{"count": 3}]
    assert rows(client, shop, "count orders") == [{"count": 3}]
    assert answer(client, shop, "delete order 2")["result"] == {"type": "write", "affectedRows": 1}
    assert answer(client, shop, "delete order 2")["result"] == {"type": "write", "affectedRows": 0}
    assert rows(client, shop, "count orders") == [{"count": 2}]


@pytest.mark.facts("queries:reference")
def test_this_month_is_that_of_the_control_planes_clock(plane: ControlPlane, client: httpx.Client) -> None:
    database = create_database(client, unique("months"))
    days = ("2026-02-28 23:59:59+00", "2026-03-01 00:00:00+00", "2026-03-31 23:59:59+00", "2026-04-01 00:00:00+00")
    with psycopg.connect(database["connection_string"], autocommit=True) as conn:
        conn.execute("CREATE TABLE visits (created_at timestamptz)")
        for day in days:
            conn.execute("INSERT INTO visits VALUES (%s)", (day,))
    with frozen(plane, "2026-03-15T12:00:00Z"):
        found = rows(client, database, "show all visits created this month")
    assert [row["created_at"] for row in found] == ["2026-03-01T00:00:00+00:00", "2026-03-31T23:59:59+00:00"]


# Fields


@pytest.mark.facts("queries:length")
@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"query": "x"}, "missing_required_field", "database_uuid"),
        ({"database_uuid": ABSENT_UUID}, "missing_required_field", "query"),
        ({"database_uuid": "x", "query": "x"}, "invalid_field", "database_uuid"),
        ({"database_uuid": ABSENT_UUID, "query": "é" * 2001}, "invalid_field", "query"),
        ({"database_uuid": ABSENT_UUID, "query": " \n "}, "invalid_field", "query"),
        ({"database_uuid": ABSENT_UUID, "query": 7}, "invalid_field", "query"),
        ({"database_uuid": ABSENT_UUID, "query": "a\x00b"}, "invalid_field", "query"),
    ],
)
def test_bad_fields(client: httpx.Client, body: dict[str, Any], code: str, field: str) -> None:
    assert error_of(client.post("/query_executions", json=body), 422, code)["field"] == field


@pytest.mark.facts("queries:length")
def test_two_thousand_characters_are_taken(client: httpx.Client, shop: dict[str, Any]) -> None:
    text = f"show all contacts from '{'é' * 1975}'"
    assert len(text) == 2000
    assert answer(client, shop, text)["result"]["rowCount"] == 0


def test_whose_database_and_which_scope(plane: ControlPlane, client: httpx.Client, shop: dict[str, Any]) -> None:
    error_of(ask(client, {"uuid": ABSENT_UUID}, "list tables"), 404, "not_found")
    with plane.client(OTHER_KEY) as other:
        error_of(ask(other, shop, "list tables"), 404, "not_found")
    with plane.client(SCOPE_KEYS["databases:write"]) as powerless:
        error_of(ask(powerless, shop, "list tables"), 403, "insufficient_scope")
    with plane.client(SCOPE_KEYS["queries:write"]) as enough:
        assert ask(enough, shop, "list tables").status_code == 200


def test_only_an_active_database(client: httpx.Client) -> None:
    with ControlPlane("--ephemeral", "--pool-size", "0", "--provision-delay", "30") as slow, slow.client() as api:
        made = api.post("/databases", json={"name": "slow"}, headers=new_key()).json()["data"]
        assert error_of(ask(api, made, "list tables"), 422, "database_not_active")["field"] == "database_uuid"


@pytest.mark.facts("queries:not-understood")
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("make me a sandwich", "No built-in pattern matches it."),
        # Two that the grammar of an earlier version ran wrongly.
        ("top 10 customers by revenue this quarter", "No built-in pattern matches it."),
        ("show all customers by country", "No table matches 'customers by country'. Tables: companies, contacts, cust"),
        ("show all sandwiches", "No table matches 'sandwiches'. Tables: companies, contacts, customers"),
        ("show all companies from Peru", "companies has several of the columns city, country."),
        ("show all orders from Peru", "orders has no column company or company_name or"),
        ("show all contacts from acme", "Put the value 'acme' in quotes."),
        ("show all contacts from Acme and Sons", "Put the value 'Acme and Sons' in quotes."),
        ("add contact Bob with phone 5", "contacts has no column phone."),
        ("delete contacts", "A value is missing."),
        ("delete all contacts", "No table matches 'all'."),
    ],
)
def test_a_query_that_is_not_understood_names_the_ways_out(
    client: httpx.Client, shop: dict[str, Any], query: str, reason: str
) -> None:
    error = error_in(ask(client, shop, query), 422, "query_not_understood")
    assert error["message"].startswith("The query was not understood. ")
    assert reason in error["message"]
    for way_out in ("Send SQL", "`PUT /_polykomos/queries`", "`queries` in the seed file", "`polykomos dev --trans"):
        assert way_out in error["message"]
    assert error["details"].keys() == {"field", "query_id"}
    assert rows(client, shop, "SELECT count(*) AS n FROM contacts") == [{"n": 1}]


# Safety


@pytest.mark.facts("S28", "queries:unsafe")
def test_unsafe_sql_is_not_run(client: httpx.Client, shop: dict[str, Any]) -> None:
    for sql in (
        "DROP TABLE contacts",
        "DELETE FROM contacts",
        "SELECT 1; DELETE FROM contacts WHERE true",
        "WITH gone AS (DELETE FROM contacts WHERE true RETURNING *) SELECT * FROM gone",
        "DO $$ BEGIN DELETE FROM contacts; END $$",
    ):
        assert refused(client, shop, sql)["details"]["reasons"]
    assert rows(client, shop, "count contacts") == [{"count": 1}]


def test_a_question_cannot_write(client: httpx.Client, shop: dict[str, Any]) -> None:
    """Not even by a function of the tenant's own, which no check of the text can see through."""
    with psycopg.connect(shop["connection_string"], autocommit=True) as conn:
        conn.execute(
            "CREATE OR REPLACE FUNCTION sly() RETURNS int LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM set_config('transaction_read_only', 'off', true); DELETE FROM contacts; RETURN 1; END $$"
        )
    assert "read-" in failed(client, shop, "SELECT sly()")["message"]
    assert rows(client, shop, "count contacts") == [{"count": 1}]


@pytest.mark.facts("queries:tenant")
def test_a_query_runs_as_the_tenants_role_in_the_tenants_database(client: httpx.Client, shop: dict[str, Any]) -> None:
    found = rows(client, shop, "SELECT current_user::text AS u, current_database()::text AS d, session_user::text AS s")
    assert found == [{"u": shop["db_username"], "d": shop["db_name"], "s": shop["db_username"]}]
    assert "permission denied" in failed(client, shop, "SELECT * FROM pg_authid")["message"]


def test_ddl_is_all_or_nothing(client: httpx.Client, shop: dict[str, Any]) -> None:
    failed(client, shop, "CREATE TABLE half (id int); CREATE INDEX ON missing (id)")
    assert failed(client, shop, "SELECT * FROM half")["message"] == 'relation "half" does not exist'


@pytest.mark.facts("queries:failed")
def test_the_engine_speaks_for_itself(client: httpx.Client, shop: dict[str, Any]) -> None:
    assert failed(client, shop, "SELECT 1 +")["message"] == "syntax error at end of input"
    assert failed(client, shop, "SELECT 1/0")["message"] == "division by zero"
    hinted = failed(client, shop, "SELECT emails FROM contacts")
    assert "email" in hinted["details"]["hint"]


# Bounds


@pytest.mark.facts("C21", "queries:truncated")
def test_rows_are_capped(client: httpx.Client, shop: dict[str, Any]) -> None:
    for count, truncated in ((99, False), (100, False), (101, True), (5000, True)):
        result = answer(client, shop, f"SELECT generate_series(1, {count}) AS n")["result"]
        assert (result["rowCount"], result["truncated"]) == (min(count, 100), truncated), count
        assert [row["n"] for row in result["rows"]] == list(range(1, min(count, 100) + 1))


def test_truncated_is_right_where_a_pattern_adds_the_limit(client: httpx.Client, shop: dict[str, Any]) -> None:
    with psycopg.connect(shop["connection_string"], autocommit=True) as conn:
        conn.execute("CREATE TABLE many AS SELECT generate_series(1, 100) AS n")
        assert answer(client, shop, "list many")["result"]["truncated"] is False
        conn.execute("INSERT INTO many VALUES (101)")
        result = answer(client, shop, "list many")["result"]
        assert (result["rowCount"], result["truncated"]) == (100, True)
        assert answer(client, shop, "SELECT * FROM many LIMIT 3")["result"]["truncated"] is False


@pytest.mark.facts("queries:bytes")
def test_bytes_are_capped(client: httpx.Client, shop: dict[str, Any]) -> None:
    result = answer(client, shop, "SELECT repeat('x', 1500000) AS x FROM generate_series(1, 5)")["result"]
    assert (result["rowCount"], result["truncated"]) == (2, True)
    result = answer(client, shop, "SELECT repeat('x', g) AS x FROM generate_series(60000000, 60000000) AS g")["result"]
    assert (result["rowCount"], result["truncated"], result["rows"]) == (0, True, [])


def test_what_returning_gives_back_stays_there(client: httpx.Client, shop: dict[str, Any]) -> None:
    sql = "INSERT INTO companies (name) SELECT repeat('x', 1000) FROM generate_series(1, 300) RETURNING *"
    assert answer(client, shop, sql)["result"] == {"type": "write", "affectedRows": 300}


@pytest.mark.facts("queries:time-out")
def test_a_long_statement_is_ended(client: httpx.Client, shop: dict[str, Any]) -> None:
    """Also one that lifts its own time-out through a function."""
    with psycopg.connect(shop["connection_string"], autocommit=True) as conn:
        conn.execute(
            "CREATE OR REPLACE FUNCTION endless() RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM set_config('statement_timeout', '0', false); PERFORM pg_sleep(3600); RETURN 1; END $$"
        )
    began = time.monotonic()
    assert failed(client, shop, "SELECT endless()")["message"] == "canceling statement due to statement timeout"
    assert time.monotonic() - began > 14


def test_a_lock_is_not_waited_for_long(client: httpx.Client, shop: dict[str, Any]) -> None:
    with psycopg.connect(shop["connection_string"]) as conn:
        conn.execute("LOCK TABLE contacts")
        assert failed(client, shop, "show contacts")["message"] == "canceling statement due to lock timeout"


# Values


def test_every_value_comes_out_as_json(client: httpx.Client, shop: dict[str, Any]) -> None:
    sql = """
    SELECT 1.10::numeric AS short, 12345678901234567.89 AS long, 9007199254740993 AS big, 7::bigint AS small,
      'NaN'::float8 AS nan, '-Infinity'::numeric AS inf, 0.1::float8 AS tenth, '\\x00ff'::bytea AS bytes,
      DATE '2026-01-02' AS day, 'infinity'::date AS ever, TIMESTAMPTZ '2026-01-02 03:04:05.6+02' AS at,
      '0044-03-15 BC'::date AS ides, ARRAY[[1, NULL], [2, 3]] AS list, '{"a": [1, "\\ud83d\\ude00"]}'::jsonb AS doc,
      '{"x": "\\ud800"}'::json AS lone, gen_random_uuid() IS NOT NULL AS yes, NULL AS nothing, int4range(1, 3) AS span,
      ROW(1, 'a') AS pair, INTERVAL '1 day' AS wait, 1 AS same, 2 AS same
    """
    reply = ask(client, shop, sql)
    assert reply.status_code == 200, reply.text
    row = json.loads(reply.text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))["result"]["rows"][0]
    assert row == {
        "short": 1.1, "long": "12345678901234567.89", "big": "9007199254740993", "small": 7, "nan": "NaN",
        "inf": "-Infinity", "tenth": 0.1, "bytes": "\\x00ff", "day": "2026-01-02", "ever": "infinity",
        "at": "2026-01-02T01:04:05.6+00:00", "ides": "0044-03-15 BC", "list": [[1, None], [2, 3]],
        "doc": {"a": [1, "😀"]}, "lone": {"x": "\ufffd"}, "yes": True, "nothing": None, "span": "[1,3)",
        "pair": {"f1": 1, "f2": "a"}, "wait": "1 day", "same": 1, "same_2": 2,
    }  # fmt: skip
    assert math.isclose(row["tenth"], 0.1)


def test_deep_json_is_no_failure(client: httpx.Client, shop: dict[str, Any]) -> None:
    found = rows(client, shop, "SELECT (repeat('[', 3000) || repeat(']', 3000))::json AS deep")
    assert found[0]["row"].startswith('{"deep":[[')


# Limits and records


@pytest.mark.facts("S28", "queries:daily-limit")
def test_the_daily_limit(plane: ControlPlane) -> None:
    with ControlPlane("--ephemeral", "--rate-limit", "0") as own, own.client() as api:
        free, paid = create_database(api, "free"), create_database(api, "paid", plan="launch")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: ask(api, free, "SELECT * FROM nowhere"), range(14)))
        codes = sorted(reply.status_code for reply in replies)
        assert codes == [429] * 4 + [500] * 10, "a failed query counts, and calls at once do not pass the limit"
        over = next(reply for reply in replies if reply.status_code == 429)
        error = error_in(over, 429, "daily_query_limit_exceeded")
        assert error["details"] | {"retry_after": 0} == {"plan": "free", "limit": 10, "retry_after": 0}
        assert 0 < int(over.headers["Retry-After"]) == error["details"]["retry_after"] <= 86_400
        another = create_database(api, "another")
        error_of(ask(api, another, "SELECT 1"), 429, "daily_query_limit_exceeded")
        assert ask(api, paid, "SELECT 1").status_code == 200, "each plan has its own"
        with own.client(OTHER_KEY) as other:
            assert ask(other, create_database(other, "theirs"), "SELECT 1").status_code == 200, "each team has its own"


def test_every_attempt_is_recorded_and_no_value_is_logged(plane: ControlPlane, client: httpx.Client) -> None:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--free-queries", "0") as own, own.client() as api:
        database = create_database(api, "kept")
        set_answer(own, f"make {SECRET_VALUE}", f"CREATE TABLE notes (title text DEFAULT '{SECRET_VALUE}')")
        answer(api, database, f"make {SECRET_VALUE}")
        answer(api, database, f'add note "{SECRET_VALUE}"')
        answer(api, database, f"SELECT * FROM notes WHERE title = '{SECRET_VALUE}'")
        failed(api, database, f"SELECT '{SECRET_VALUE}'::int")
        refused(api, database, f"DROP TABLE {SECRET_VALUE}")
        assert SECRET_VALUE not in own.log_text
        lines = [json.loads(line) for line in own.log_text.splitlines()]
        logged = [(line["query_id"], line["kind"], line["status"]) for line in lines if line["message"] == "query"]
        assert logged == [(1, "ddl_batch", "succeeded"), (2, "write", "succeeded"), (3, "select", "succeeded"),
                          (4, "select", "failed"), (5, None, "refused")]  # fmt: skip
        assert database["db_password"] not in own.log_text
