"""Queries on MySQL databases: the same words, the other engine's SQL (api-facts, operation 10)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane, create_database, frozen
from support.operations import error_of

WORKS = [
    "CREATE TABLE customers (id int AUTO_INCREMENT PRIMARY KEY, name varchar(50), country varchar(50))",
    "CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, customer_id int REFERENCES customers (id),"
    " amount decimal(12,2), status varchar(20), FOREIGN KEY (customer_id) REFERENCES customers (id))",
    "INSERT INTO customers (name, country) VALUES ('Ann', 'Chile'), ('Bo', 'France'), ('O''Hara \\\\ co', 'Chile')",
    "INSERT INTO orders (customer_id, amount, status) VALUES (1, 10.50, 'paid'), (1, 5, 'open'), (2, 100, 'paid')",
]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--free-queries", "0") as plane:
        yield plane


@pytest.fixture(scope="module")
def client(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.client() as client:
        yield client


@pytest.fixture(scope="module")
def shop(client: httpx.Client) -> dict[str, Any]:
    database = create_database(client, "shop", db_type="mysql")
    for sql in WORKS:
        assert ask(client, database, sql).status_code == 200
    return database


def ask(client: httpx.Client, database: dict[str, Any], query: str) -> httpx.Response:
    return client.post("/query_executions", json={"database_uuid": database["uuid"], "query": query})


def result(client: httpx.Client, database: dict[str, Any], query: str) -> dict[str, Any]:
    reply = ask(client, database, query)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["result"]
    return found


def rows(client: httpx.Client, database: dict[str, Any], query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result(client, database, query)["rows"]
    return found


@pytest.mark.facts("queries:patterns")
def test_the_patterns(client: httpx.Client, shop: dict[str, Any]) -> None:
    reply = ask(client, shop, "show all customers from Chile").json()
    assert reply["sql"] == "SELECT * FROM `customers` WHERE `country` = 'Chile' LIMIT 100"
    assert [row["name"] for row in reply["result"]["rows"]] == ["Ann", "O'Hara \\ co"]
    assert rows(client, shop, "how many orders") == [{"count": 3}]
    assert rows(client, shop, "list tables") == [{"table_name": "customers"}, {"table_name": "orders"}]
    assert rows(client, shop, "how many tables are there") == [{"count": 2}]
    added = result(client, shop, "add customer 'a''b \\ c' with country 'x\\'' OR 1=1 -- '")
    assert added == {"type": "write", "affectedRows": 1}
    [row] = rows(client, shop, "SELECT name, country FROM customers WHERE id = 4")
    assert row == {"name": "a'b \\ c", "country": "x\\' OR 1=1 -- "}
    assert result(client, shop, "delete customer 4") == {"type": "write", "affectedRows": 1}
    assert rows(client, shop, "count customers") == [{"count": 3}]


def test_this_month_is_that_of_the_control_planes_clock(plane: ControlPlane, client: httpx.Client) -> None:
    database = create_database(client, "months", db_type="mysql")
    result(client, database, "CREATE TABLE visits (created_at datetime)")
    result(client, database, "INSERT INTO visits VALUES ('2026-02-28 23:59:59'), ('2026-03-01'), ('2026-04-01')")
    with frozen(plane, "2026-03-15T12:00:00Z"):
        found = rows(client, database, "show all visits created this month")
    assert found == [{"created_at": "2026-03-01T00:00:00"}]


def test_writes_and_definitions(client: httpx.Client) -> None:
    database = create_database(client, "made", db_type="mysql")
    table = "CREATE TABLE contacts (id int AUTO_INCREMENT PRIMARY KEY, name text, email varchar(50))"
    made = ask(client, database, f"{table}; CREATE INDEX of_emails ON contacts (email)").json()
    assert made["result"] == {"type": "ddl_batch", "statementsExecuted": 2}, made
    added = result(client, database, "add contact Bob with email bob@example.com")
    assert added == {"type": "write", "affectedRows": 1}
    assert rows(client, database, "show all contacts") == [{"id": 1, "name": "Bob", "email": "bob@example.com"}]
    failed = ask(client, database, "CREATE TABLE half (n int); CREATE TABLE contacts (n int)")
    error_of(failed, 500, "query_execution_failed")
    assert "the first 1 are committed" in failed.json()["error"]["message"]


def test_rows_are_capped_and_marked_as_truncated(client: httpx.Client, shop: dict[str, Any]) -> None:
    many = result(client, shop, "SELECT seq FROM seq_1_to_1000000")
    assert (many["rowCount"], many["truncated"], many["maxRows"]) == (100, True, 100)
    assert result(client, shop, "SELECT seq FROM seq_1_to_1000000 LIMIT 500000")["truncated"] is True
    assert result(client, shop, "SELECT seq FROM seq_1_to_100")["truncated"] is False
    large = result(client, shop, "SELECT repeat('x', 1000000) AS x FROM seq_1_to_50")
    assert large["truncated"] is True
    assert len(json.dumps(large)) < 5_000_000


def test_values_come_out_as_json(client: httpx.Client, shop: dict[str, Any]) -> None:
    [row] = rows(
        client,
        shop,
        "SELECT 1.5 AS n, 0.1234567890123456789012 AS exact, 9223372036854775807 AS big, NULL AS nothing,"
        " DATE '2026-01-02' AS day, TIMESTAMP '2026-01-02 03:04:05' AS moment, TIME '-100:00:01' AS span,"
        " x'00ff' AS raw, 1 AS twice, 2 AS twice",
    )
    assert row == {
        "n": 1.5,
        "exact": "0.1234567890123456789012",
        "big": "9223372036854775807",
        "nothing": None,
        "day": "2026-01-02",
        "moment": "2026-01-02T03:04:05",
        "span": "-100:00:01",
        "raw": "\\x00ff",
        "twice": 1,
        "twice_2": 2,
    }


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sleep(60)",
        "SELECT load_file('/etc/passwd')",
        "SELECT 1 INTO OUTFILE '/tmp/evil'",
        "SELECT * FROM customers; DROP TABLE orders",
        "DELETE FROM orders",
        "DROP TABLE orders",
        "USE mysql",
        "GRANT ALL ON *.* TO u1",
        "SET GLOBAL general_log = 1",
        "SELECT 1 /*! INTO OUTFILE '/tmp/evil' */",
        "CREATE USER evil",
    ],
)
def test_what_is_unsafe_is_not_run(client: httpx.Client, shop: dict[str, Any], sql: str) -> None:
    reply = ask(client, shop, sql)
    assert reply.status_code in (422, 500), reply.text
    assert reply.json()["error"]["code"] in ("unsafe_query", "query_execution_failed", "query_not_understood")
    assert len(rows(client, shop, "SELECT * FROM orders")) == 3


def test_a_reading_query_cannot_write_and_the_engine_speaks_for_itself(
    client: httpx.Client, shop: dict[str, Any]
) -> None:
    failed = ask(client, shop, "SELECT * FROM absent")
    error_of(failed, 500, "query_execution_failed")
    assert failed.json()["error"]["details"]["sql"] == "SELECT * FROM absent"
    assert "absent" in failed.json()["error"]["message"]
    assert shop["db_password"] not in failed.text


def test_a_long_statement_is_ended(client: httpx.Client, shop: dict[str, Any]) -> None:
    slow = ask(client, shop, "SELECT count(*) FROM seq_1_to_1000000 a JOIN seq_1_to_1000000 b ON a.seq + b.seq > 5")
    error_of(slow, 500, "query_execution_failed")
    assert client.get("/me").status_code == 200
