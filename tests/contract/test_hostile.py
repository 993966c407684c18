"""What no honest client sends: refused, without harm to anybody else."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import ControlPlane, create_database, delete_all, new_key
from support.operations import error_of

INJECTIONS = [
    "x'; DROP TABLE databases; --",
    'x"; DROP DATABASE polykomos_control; --',
    "x\\'; SELECT pg_sleep(60); --",
    "$$; DROP TABLE users; $$",
    "{{name}}",
    "%s %(id)s {0}",
    "' OR 1=1 --",
    "\u2019; DROP TABLE users; --",
]


@pytest.fixture
def made(api: httpx.Client) -> Iterator[list[str]]:
    uuids: list[str] = []
    yield uuids
    delete_all(api, uuids)


def talk(plane: ControlPlane, sent: bytes, *, seconds: float = 5) -> bytes:
    """All that comes back on one connection until it is closed or silent."""
    host, port = plane.origin.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((host, int(port)), seconds) as connection:
        connection.sendall(sent)
        connection.settimeout(1)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while chunk := connection.recv(65536):
                answer += chunk
    return answer


# Requests that a proxy and a server could understand differently.


def head(plane: ControlPlane, *lines: str) -> bytes:
    given = ["POST /api/v1/blueprint_validations HTTP/1.1", "Host: x", f"Authorization: Bearer {plane.api_key}", *lines]
    return "\r\n".join([*given, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["Content-Length: 5", "Content-Length: 6"], id="two lengths"),
        pytest.param(["Content-Length: +5"], id="a signed length"),
        pytest.param(["Content-Length: 5,6"], id="a list of lengths"),
        pytest.param(["Content-Length: -1"], id="a negative length"),
        pytest.param(["Transfer-Encoding: identity, chunked"], id="two encodings"),
        pytest.param(["Transfer-Encoding: chunked", "Transfer-Encoding: x"], id="an encoding after chunked"),
        pytest.param(["Transfer-Encoding : chunked"], id="a space before the colon"),
        pytest.param(["Content-Length: 5", "X: a\rTransfer-Encoding: chunked"], id="a bare CR"),
        pytest.param(["X" * 200_000 + ": 1"], id="an endless header"),
        pytest.param(["\x00: 1"], id="NUL in a name"),
    ],
)
def test_a_head_that_could_be_read_in_two_ways_is_refused(control_plane: ControlPlane, lines: list[str]) -> None:
    smuggled = b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = talk(control_plane, head(control_plane, *lines) + b"hello" + smuggled)
    assert answer.startswith(b"HTTP/1.1 400"), answer[:100]
    assert answer.count(b"HTTP/1.1") == 1, "nothing after it is taken for a request"


def test_length_and_chunks_together_are_one_request(control_plane: ControlPlane) -> None:
    """RFC 9112, 6.3: the chunks hold, and the connection ends with it."""
    body = b'{"sql_content": "SELECT 1"}'
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    smuggled = b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\n\r\n"
    sent = head(control_plane, "Transfer-Encoding: chunked", "Content-Length: 4") + chunked
    answer = talk(control_plane, sent + smuggled)
    assert answer.count(b"HTTP/1.1") <= 2
    assert answer.count(b" 200 OK") <= 1
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))


def test_header_values_come_back_in_no_header(api: httpx.Client) -> None:
    for name in ("Idempotency-Key", "X-Request-Id"):
        reply = api.get("/me", headers={name: "evil-value-0000"})
        assert "evil-value-0000" not in str(reply.headers)


# Bodies without measure.


def test_ten_megabytes_are_refused_and_others_are_served_meanwhile(api: httpx.Client) -> None:
    body = b'{"sql_content": "' + b"x" * 10_000_000 + b'"}'
    began = time.monotonic()
    error_of(api.post("/blueprint_validations", content=body), 413, "payload_too_large")
    assert time.monotonic() - began < 30
    assert api.get("/me").status_code == 200


def test_a_body_without_end_is_cut_off(control_plane: ControlPlane) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(2000):
            yield b"x" * 100_000

    with control_plane.client() as client:
        with contextlib.suppress(httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            assert client.post("/blueprint_validations", content=endless()).status_code == 413
        assert client.get("/me").status_code == 200


def test_many_who_say_nothing_keep_nobody_waiting(control_plane: ControlPlane, api: httpx.Client) -> None:
    host, port = control_plane.origin.removeprefix("http://").split(":")
    with contextlib.ExitStack() as held:
        for number in range(300):
            connection = held.enter_context(socket.create_connection((host, int(port)), 5))
            connection.sendall(b"POST /api/v1/databases HTTP/1.1\r\nHost: x\r\nContent-Le"[: 5 + number % 50])
        began = time.monotonic()
        assert [api.get("/me").status_code for _ in range(5)] == [200] * 5
        assert time.monotonic() - began < 25


# Text that would be SQL.


@pytest.mark.parametrize("text", INJECTIONS)
def test_text_stays_text(api: httpx.Client, made: list[str], text: str) -> None:
    body = {"name": text, "description": text, "sql_content": "SELECT 1"}
    blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]
    shown = api.get(f"/blueprints/{blueprint['uuid']}").json()["data"]
    assert (shown["name"], shown["description"]) == (text, text)
    error_of(api.post("/databases", json={"name": text}, headers=new_key()), 422, "invalid_field")
    for field in ("region", "plan", "db_type"):
        reply = api.post("/databases", json={"name": "x", field: text}, headers=new_key())
        assert error_of(reply, 422, "invalid_field")["field"] == field
    for path in ("/databases", "/blueprints", "/webhook_endpoints"):
        assert api.get(path, params={"starting_after": text}).status_code == 422
        assert api.get(f"{path}/{text}").status_code in (404, 405)
    assert api.delete(f"/blueprints/{blueprint['uuid']}").status_code == 200


def test_variables_stay_values(api: httpx.Client, made: list[str]) -> None:
    database = create_database(api, "injected")
    made.append(database["uuid"])
    body = {
        "name": "injected",
        "sql_content": "CREATE TABLE {{t}} (x text); INSERT INTO {{t}} VALUES ({{v}})",
        "variables": {"t": {"type": "identifier"}, "v": {"type": "string"}},
    }
    blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
    path = f"/databases/{database['uuid']}/blueprint_applications"
    for number, text in enumerate(INJECTIONS):
        variables = {"t": f"{number}{text}"[:60], "v": text}
        reply = api.post(path, json={"blueprint_uuid": blueprint, "variables": variables}, headers=new_key())
        assert reply.json()["data"]["status"] == "completed", reply.text
    with psycopg.connect(database["connection_string"]) as conn:
        tables = [row[0] for row in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        assert sorted(tables) == sorted(f"{number}{text}"[:60] for number, text in enumerate(INJECTIONS))
        for table in tables:
            quoted = psycopg.sql.Identifier(table)
            [row] = conn.execute(psycopg.sql.SQL("SELECT x FROM {}").format(quoted)).fetchall()
            assert row[0] in INJECTIONS


# A tenant and everything that is not its own.


def attempt(database: dict[str, Any], sql: str, **where: Any) -> str:
    """The SQLSTATE that the server refuses with, `ok`, or `no connection`."""
    try:
        with psycopg.connect(database["connection_string"], autocommit=True, **where) as conn:
            conn.execute(sql)
    except psycopg.OperationalError as error:
        return error.sqlstate or "no connection"
    except psycopg.Error as error:
        return error.sqlstate or "?"
    return "ok"


def test_a_tenant_reaches_nobody_else(api: httpx.Client, made: list[str]) -> None:
    mine, theirs = create_database(api, "mine"), create_database(api, "theirs")
    made += [mine["uuid"], theirs["uuid"]]
    for name in (theirs["db_name"], "polykomos_control", "polykomos_scratch", "postgres", "template1"):
        assert attempt(mine, "SELECT 1", dbname=name) == "no connection", name
    refused = [
        f"ALTER ROLE {theirs['db_username']} PASSWORD 'x'",
        f"SET ROLE {theirs['db_username']}",
        f"GRANT {theirs['db_username']} TO {mine['db_username']}",
        "SET ROLE polykomos",
        "SET SESSION AUTHORIZATION polykomos",
        "CREATE ROLE evil SUPERUSER",
        f"ALTER ROLE {mine['db_username']} CONNECTION LIMIT -1",
        f"ALTER ROLE {mine['db_username']} SUPERUSER",
        f'ALTER DATABASE "{theirs["db_name"]}" RENAME TO stolen',
        f'ALTER DATABASE "{mine["db_name"]}" CONNECTION LIMIT -1',
        f'DROP DATABASE "{theirs["db_name"]}"',
        "CREATE DATABASE evil",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "COPY (SELECT 1) TO '/tmp/evil'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION file_fdw",
        "CREATE LANGUAGE plpython3u",
        "ALTER SYSTEM SET log_statement = 'all'",
        "SELECT pg_reload_conf()",
        "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'polykomos'",
    ]
    answers = {sql: attempt(mine, sql) for sql in refused}
    assert not {sql for sql, answer in answers.items() if answer == "ok"}
    assert attempt(theirs, "SELECT 1") == "ok"
    with psycopg.connect(mine["connection_string"]) as conn:
        cursor = conn.execute("SELECT query FROM pg_stat_activity WHERE usename <> current_user")
        assert {row[0] for row in cursor} <= {"<insufficient privilege>", ""}
