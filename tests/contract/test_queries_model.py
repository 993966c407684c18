"""Queries translated by a model: what it is told, that its SQL is checked, what its failures become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from controlplane.queries.llm import KEY_VARIABLE
from support.control_plane import ControlPlane, create_database
from support.operations import error_of
from support.translator import ChatServer

KEY = "sk-not-to-be-seen-4711"


@pytest.fixture(scope="module")
def chat() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture(scope="module")
def plane(chat: ChatServer) -> Iterator[ControlPlane]:
    options = ("--translator-url", chat.url, "--translator-model", "tiny", "--free-queries", "0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, KEY)
        with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1", *options) as started:
            yield started
    assert KEY not in started_log(started)


def started_log(plane: ControlPlane) -> str:
    return plane.log_text if plane._log.exists() else ""


@pytest.fixture(scope="module")
def client(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.client() as made:
        yield made


@pytest.fixture(scope="module")
def database(client: httpx.Client) -> dict[str, Any]:
    made = create_database(client, "modelled")
    with psycopg.connect(made["connection_string"], autocommit=True) as conn:
        conn.execute('CREATE TABLE pets (id serial PRIMARY KEY, "pet name" text)')
        conn.execute("INSERT INTO pets (\"pet name\") VALUES ('Rex the private')")
    return made


@pytest.fixture(autouse=True)
def fresh(chat: ChatServer) -> None:
    chat.status, chat.raw, chat.content = 200, None, "SELECT 1 AS one"
    chat.asked.clear()
    chat.headers.clear()


def ask(client: httpx.Client, database: dict[str, Any], query: str = "what pets?") -> httpx.Response:
    return client.post("/query_executions", json={"database_uuid": database["uuid"], "query": query})


def test_the_model_receives_names_types_and_the_query(
    client: httpx.Client, database: dict[str, Any], chat: ChatServer, plane: ControlPlane
) -> None:
    chat.content = '```sql\nSELECT "pet name" FROM pets LIMIT 100;\n```'
    body = ask(client, database).json()
    assert body["result"]["rows"] == [{"pet name": "Rex the private"}]
    assert body["sql"] == 'SELECT "pet name" FROM pets LIMIT 100;'
    (asked,) = chat.asked
    assert chat.paths[-1] == "/v1/chat/completions"
    assert (asked["model"], asked["temperature"]) == ("tiny", 0)
    assert asked["messages"][-1] == {"role": "user", "content": "what pets?"}
    assert '"pets"("id" integer primary key, "pet name" text)' in asked["messages"][0]["content"]
    assert "Rex" not in json.dumps(asked)
    assert chat.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in plane.log_text


def test_sql_goes_by_it(client: httpx.Client, database: dict[str, Any], chat: ChatServer) -> None:
    assert ask(client, database, "SELECT 2 AS two").json()["result"]["rows"] == [{"two": 2}]
    assert chat.asked == []


@pytest.mark.parametrize("sql", ["DROP TABLE pets", "DELETE FROM pets", "SELECT 1; SELECT 2", "SELECT pg_sleep(9)"])
def test_the_models_sql_is_checked(client: httpx.Client, database: dict[str, Any], chat: ChatServer, sql: str) -> None:
    chat.content = sql
    assert error_of(ask(client, database), 422, "unsafe_query")["sql"] == sql
    assert ask(client, database, "SELECT count(*) AS n FROM pets").json()["result"]["rows"] == [{"n": 1}]


def test_an_answer_that_is_set_goes_before_it(
    plane: ControlPlane, client: httpx.Client, database: dict[str, Any], chat: ChatServer
) -> None:
    with plane.admin() as admin:
        admin.put("/queries", json={"query": "WHAT pets?", "sql": "SELECT 3 AS three"}).raise_for_status()
        assert ask(client, database).json()["result"]["rows"] == [{"three": 3}]
        assert chat.asked == []
        admin.delete("/queries").raise_for_status()
    assert ask(client, database).json()["result"]["rows"] == [{"one": 1}]


def test_a_model_replaces_the_patterns(client: httpx.Client, database: dict[str, Any], chat: ChatServer) -> None:
    assert ask(client, database, "list tables").json()["result"]["rows"] == [{"one": 1}]
    assert [asked["messages"][-1]["content"] for asked in chat.asked] == ["list tables"]


def test_the_model_may_refuse(client: httpx.Client, database: dict[str, Any], chat: ChatServer) -> None:
    chat.content = "CANNOT"
    reply = ask(client, database)
    error_of(reply, 422, "query_not_understood")
    assert "`PUT /_polykomos/queries`" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("status", "raw", "words"),
    [
        (500, b"{}", "status 500"),
        (307, b"{}", "status 307"),
        (200, b"<html>", "no JSON"),
        (200, b'{"choices": []}', "not a chat completion"),
        (200, b'{"choices": [{"message": {"content": " "}}]}', "empty"),
        (200, b'"' + b"x" * 1_100_000 + b'"', "too long"),
    ],
)
def test_failures_of_the_model(
    client: httpx.Client, database: dict[str, Any], chat: ChatServer, status: int, raw: bytes, words: str
) -> None:
    chat.status, chat.raw = status, raw
    reply = ask(client, database)
    details = error_of(reply, 500, "query_execution_failed")
    assert details.keys() == {"query_id"}, "there is no SQL"
    assert words in reply.json()["error"]["message"]
    assert "127.0.0.1" not in reply.text


def test_a_key_in_the_url_is_refused() -> None:
    with pytest.raises(AssertionError, match="POLYKOMOS_TRANSLATOR_KEY"):
        ControlPlane("--ephemeral", "--translator-url", "http://me:secret@127.0.0.1/v1").__enter__()
