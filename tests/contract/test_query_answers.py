"""Answers to queries in plain language, set by the admin API and by the seed file, on both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import SEED, ControlPlane, create_database, new_key
from support.operations import error_of

TEXT = "Who bought most this quarter?"
SEEDED = [
    {"query": "How is the shop doing?", "sql": "SELECT 'well' AS shop"},
    {"query": "which engine", "sql": "SELECT 'any' AS engine"},
    {"query": "Which Engine", "sql": "SELECT 'mysql' AS engine", "db_type": "mysql"},
]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    directory = tmp_path_factory.mktemp("answers")
    seed = directory / "seed.json"
    seed.write_text(json.dumps({**SEED, "queries": SEEDED}))
    options = ("--data-dir", str(directory / "data"), "--rate-limit", "0", "--pool-size", "0", "--free-queries", "0")
    with ControlPlane(*options, seed=seed) as running:
        yield running


@pytest.fixture
def admin(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.admin() as admin:
        yield admin
        admin.delete("/queries").raise_for_status()


@pytest.fixture(scope="module")
def postgres(plane: ControlPlane) -> dict[str, Any]:
    with plane.client() as client:
        return create_database(client, "answered")


@pytest.fixture(scope="module")
def mysql(plane: ControlPlane) -> dict[str, Any]:
    body = {"name": "answered-too", "db_type": "mysql"}
    with plane.client(timeout=150) as client:  # the server is installed and started first
        reply = client.post("/databases", params={"wait": "true", "timeout": 120}, json=body, headers=new_key())
        assert reply.status_code == 201, reply.text
        return dict(reply.json()["data"])


def ask(client: httpx.Client, database: dict[str, Any], query: str) -> httpx.Response:
    return client.post("/query_executions", json={"database_uuid": database["uuid"], "query": query})


def rows(client: httpx.Client, database: dict[str, Any], query: str) -> Any:
    reply = ask(client, database, query)
    assert reply.status_code == 200, reply.text
    return reply.json()["result"]["rows"]


@pytest.mark.facts("queries:answers")
def test_an_answer_runs_in_any_case_and_white_space(
    admin: httpx.Client, client: httpx.Client, postgres: dict[str, Any], mysql: dict[str, Any]
) -> None:
    error_of(ask(client, postgres, TEXT), 422, "query_not_understood")
    made = admin.put("/queries", json={"query": TEXT, "sql": " SELECT 'Ann' AS name "}).json()
    assert {**made, "id": 0} == {
        "id": 0, "query": TEXT, "sql": " SELECT 'Ann' AS name ", "db_type": None, "source": "admin"
    }  # fmt: skip
    for database in (postgres, mysql):
        for text in (TEXT, TEXT.upper(), "\n who  BOUGHT\tmost this quarter? "):
            body = ask(client, database, text).json()
            assert (body["sql"], body["result"]["rows"]) == ("SELECT 'Ann' AS name", [{"name": "Ann"}])
        error_of(ask(client, database, TEXT.replace("most", "least")), 422, "query_not_understood")


def test_a_later_answer_replaces_the_earlier_one(
    admin: httpx.Client, client: httpx.Client, postgres: dict[str, Any]
) -> None:
    first = admin.put("/queries", json={"query": TEXT, "sql": "SELECT 1 AS n"}).json()
    again = admin.put("/queries", json={"query": TEXT.upper(), "sql": "SELECT 2 AS n"}).json()
    assert (again["id"], again["query"]) == (first["id"], TEXT.upper())
    assert rows(client, postgres, TEXT) == [{"n": 2}]
    assert [each["id"] for each in admin.get("/queries").json() if each["source"] == "admin"] == [first["id"]]


@pytest.mark.facts("queries:answers")
def test_an_answer_may_be_for_one_engine(
    admin: httpx.Client, client: httpx.Client, postgres: dict[str, Any], mysql: dict[str, Any]
) -> None:
    admin.put("/queries", json={"query": TEXT, "sql": "SELECT current_schema() AS s", "db_type": "postgres"})
    assert rows(client, postgres, TEXT) == [{"s": "public"}]
    error_of(ask(client, mysql, TEXT), 422, "query_not_understood")
    admin.put("/queries", json={"query": TEXT, "sql": "SELECT 'every' AS s"})
    assert (rows(client, postgres, TEXT), rows(client, mysql, TEXT)) == ([{"s": "public"}], [{"s": "every"}])


@pytest.mark.facts("queries:answers")
def test_the_seed_files_answers_and_the_admin_apis_before_them(
    admin: httpx.Client, client: httpx.Client, postgres: dict[str, Any], mysql: dict[str, Any]
) -> None:
    for database in (postgres, mysql):
        assert rows(client, database, "how is THE shop doing?") == [{"shop": "well"}]
    assert rows(client, postgres, "which engine") == [{"engine": "any"}]
    assert rows(client, mysql, "which engine") == [{"engine": "mysql"}]
    listed = [{"id": None, "db_type": None, **each, "source": "seed"} for each in SEEDED]
    assert admin.get("/queries").json() == listed
    admin.put("/queries", json={"query": "which engine", "sql": "SELECT 'admin' AS engine"}).raise_for_status()
    assert [rows(client, each, "which engine") for each in (postgres, mysql)] == [[{"engine": "admin"}]] * 2
    assert admin.delete("/queries").json() == {"removed": 1}
    assert rows(client, mysql, "which engine") == [{"engine": "mysql"}]


def test_an_answer_goes_before_a_pattern_and_before_sql(
    admin: httpx.Client, client: httpx.Client, postgres: dict[str, Any]
) -> None:
    for text in ("list tables", "SELECT 1"):
        admin.put("/queries", json={"query": text, "sql": "SELECT 'set' AS answer"}).raise_for_status()
        assert rows(client, postgres, text) == [{"answer": "set"}]


@pytest.mark.facts("queries:unsafe", "queries:kinds")
def test_an_answer_has_no_more_rights_than_a_query(
    admin: httpx.Client, client: httpx.Client, postgres: dict[str, Any], mysql: dict[str, Any]
) -> None:
    for database in (postgres, mysql):
        for sql in ("DROP TABLE orders", "DELETE FROM orders", "SELECT 1; SELECT 2", "SELECT sleep(9), pg_sleep(9)"):
            admin.put("/queries", json={"query": TEXT, "sql": sql}).raise_for_status()
            assert error_of(ask(client, database, TEXT), 422, "unsafe_query")["sql"] == sql
        admin.put("/queries", json={"query": TEXT, "sql": "SELECT * FROM nowhere"}).raise_for_status()
        error_of(ask(client, database, TEXT), 500, "query_execution_failed")
        results = []
        for sql in ("CREATE TABLE t (n int); CREATE INDEX i ON t (n)", "INSERT INTO t VALUES (1)", "SELECT * FROM t"):
            admin.put("/queries", json={"query": TEXT, "sql": sql}).raise_for_status()
            results.append(ask(client, database, TEXT).json()["result"])
        assert [result["type"] for result in results] == ["ddl_batch", "write", "select"]


def test_answers_are_removed_by_their_id(admin: httpx.Client, client: httpx.Client, postgres: dict[str, Any]) -> None:
    numbers = [admin.put("/queries", json={"query": text, "sql": "SELECT 1"}).json()["id"] for text in ("a b", "c d")]
    assert admin.delete(f"/queries/{numbers[0]}").json() == {"removed": 1}
    error_of(admin.delete(f"/queries/{numbers[0]}"), 404, "not_found")
    error_of(ask(client, postgres, "a b"), 422, "query_not_understood")
    assert ask(client, postgres, "c d").status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "field", "reason"),
    [
        ({"sql": "SELECT 1"}, "missing_required_field", "query", ""),
        ({"query": "x"}, "missing_required_field", "sql", ""),
        ({"query": " ", "sql": "SELECT 1"}, "invalid_field", "query", "must not be empty"),
        ({"query": "x", "sql": "\n"}, "invalid_field", "sql", "must not be empty"),
        ({"query": "x" * 2001, "sql": "SELECT 1"}, "invalid_field", "query", "2000"),
        ({"query": "x", "sql": "x" * 20_001}, "invalid_field", "sql", "20000"),
        ({"query": 7, "sql": "SELECT 1"}, "invalid_field", "query", "string"),
        ({"query": "x\x00", "sql": "SELECT 1"}, "invalid_field", "query", "NUL"),
        ({"query": "x", "sql": "SELECT 1", "db_type": "oracle"}, "invalid_field", "db_type", "'postgres' or 'mysql'"),
        ({"query": "x", "sql": "SELECT 1", "dbtype": "mysql"}, "invalid_field", "dbtype", "not permitted"),
        ([], "invalid_field", "body", "JSON object"),
    ],
)
def test_an_answer_that_is_wrong_is_refused(admin: httpx.Client, body: Any, code: str, field: str, reason: str) -> None:
    reply = admin.put("/queries", json=body)
    assert error_of(reply, 422, code)["field"] == field
    assert reason in reply.json()["error"]["message"]
    assert [each["source"] for each in admin.get("/queries").json()] == ["seed"] * 3


def test_the_longest_texts_are_taken(admin: httpx.Client, client: httpx.Client, postgres: dict[str, Any]) -> None:
    text, sql = "😀 " * 1000, f"SELECT 1 AS n{' ' * 19_987}"
    for each in (text, f"{text[:-2]}x "):
        assert admin.put("/queries", json={"query": each, "sql": sql}).status_code == 200
        assert rows(client, postgres, each) == [{"n": 1}]


def test_answers_are_state(
    plane: ControlPlane, admin: httpx.Client, client: httpx.Client, postgres: dict[str, Any]
) -> None:
    """They survive `kill -9`, belong to snapshots, and are removed by a reset."""
    admin.put("/queries", json={"query": TEXT, "sql": "SELECT 'before' AS n"}).raise_for_status()
    plane.kill()
    plane.restart()
    assert rows(client, postgres, TEXT) == [{"n": "before"}]
    admin.post("/snapshots", json={"name": "with-answers"}).raise_for_status()
    admin.put("/queries", json={"query": TEXT, "sql": "SELECT 'after' AS n"}).raise_for_status()
    admin.post("/snapshots/with-answers/restore").raise_for_status()
    assert rows(client, postgres, TEXT) == [{"n": "before"}]
    admin.delete("/snapshots/with-answers").raise_for_status()
    admin.post("/reset").raise_for_status()
    assert {each["source"] for each in admin.get("/queries").json()} == {"seed"}


def test_without_the_admin_api_the_seed_file_answers(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"queries": SEEDED[:1]}))
    with (
        ControlPlane("--data-dir", str(tmp_path / "data"), "--pool-size", "0", seed=seed) as plane,
        plane.admin() as admin,
    ):
        admin.put("/queries", json={"query": TEXT, "sql": "SELECT 1"}).raise_for_status()
    options = ("--data-dir", str(tmp_path / "data"), "--pool-size", "0", "--no-admin")
    with ControlPlane(*options, seed=seed) as plane, plane.client() as client:
        database = create_database(client, "quiet")
        assert rows(client, database, "How is the shop doing?") == [{"shop": "well"}]
        error_of(ask(client, database, TEXT), 422, "query_not_understood")
