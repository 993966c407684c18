"""The request log in the store: an entry for every answered request, no secret in any, the newest kept."""

from __future__ import annotations

import asyncio
import concurrent.futures
import http.client
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from contract.test_logs import SECRET_VALUE, Scene, play
from controlplane.db.pool import make_pool
from controlplane.db.server import CONTROL_DATABASE, Server
from controlplane.request_log import writer
from controlplane.request_log.curl import as_curl
from controlplane.request_log.recorder import Entry, Recorder
from support import server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_until
from support.operations import OPERATIONS


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    directory = tmp_path_factory.mktemp("log") / "data"
    with ControlPlane("--data-dir", str(directory), "--rate-limit", "0", "--pool-size", "1") as plane:
        yield plane


@pytest.fixture(scope="module")
def scene(plane: ControlPlane) -> Scene:
    """Every operation called, well and badly, with secrets everywhere."""
    told = Scene(plane)
    with plane.client(event_hooks={"response": [told.replies.append]}) as client:
        play(client, told)
    return told


@pytest.fixture(scope="module")
def store(plane: ControlPlane) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with server_admin.connect(plane) as connection:
        connection.row_factory = dict_row  # type: ignore[assignment]
        yield connection  # type: ignore[misc]


def entries(store: psycopg.Connection[dict[str, Any]]) -> list[dict[str, Any]]:
    return store.execute("SELECT * FROM request_log ORDER BY id").fetchall()


def entry_of(store: psycopg.Connection[dict[str, Any]], reply: httpx.Response | str) -> dict[str, Any]:
    """The entry of a reply (or of a request id), once it was written."""
    request_id = reply if isinstance(reply, str) else reply.headers["X-Request-Id"]
    query = "SELECT * FROM request_log WHERE request_id = %s"
    found: dict[str, Any] = wait_until(lambda: store.execute(query, (request_id,)).fetchone())
    return found


def test_every_answered_request_has_an_entry(scene: Scene, store: psycopg.Connection[dict[str, Any]]) -> None:
    entry_of(store, scene.replies[-1])
    kept = {entry["request_id"]: entry for entry in entries(store)}
    for reply in scene.replies:
        entry = kept[reply.headers["X-Request-Id"]]
        path, query = urlsplit(str(reply.request.url))[2:4]
        assert entry["method"] == reply.request.method
        assert entry["target"].partition("?")[0] == path.replace(f"pk_live_{SECRET_VALUE}", "pk_live_***")
        assert bool(query) == ("?" in entry["target"])
        assert entry["status"] == reply.status_code
        assert entry["code"] == (reply.json()["error"]["code"] if reply.is_error else None)
        assert entry["ms"] >= 0
        assert json.loads(entry["response_body"])["request_id"] == entry["request_id"]
    assert {operation.name for operation in OPERATIONS} <= {entry["operation"] for entry in kept.values()}


def test_no_secret_is_logged(scene: Scene, store: psycopg.Connection[dict[str, Any]]) -> None:
    entry_of(store, scene.replies[-1])
    columns = ("target", "headers", "request_body", "response_body", "key_preview", "code")
    texts = [(column, str(entry[column])) for entry in entries(store) for column in columns]
    hidden = {name: secret for name, secret in scene.secrets.items() if name != "value of a variable"}
    assert {(name, column) for name, secret in hidden.items() for column, text in texts if secret in text} == set()
    assert not [text for column, text in texts if column == "headers" and "uthorization" in text]
    # The caller put it into paths, cursors and names; where it stands for a variable or a token it is masked.
    spread = [entry for entry in entries(store) if SECRET_VALUE in entry["response_body"]]
    assert spread == []
    asked = [json.loads(entry["request_body"]) for entry in entries(store) if entry["request_body"]]
    assert asked
    for body in asked:
        plain = {**body, "name": None} | ({} if str(body.get("url")).startswith("http") else {"url": None})
        assert SECRET_VALUE not in json.dumps(plain), body


def test_an_entry_in_full(plane: ControlPlane, store: psycopg.Connection[dict[str, Any]]) -> None:
    with plane.client(headers={"User-Agent": "probe/1"}) as client:
        body = {"url": "http://127.0.0.1:9/hook?token=hush", "events": []}
        reply = client.post("/webhook_endpoints", json=body, headers={"Idempotency-Key": "full-1"})
    entry = entry_of(store, reply)
    answer = reply.json()
    assert json.loads(entry["request_body"]) == {**body, "url": "http://127.0.0.1:9/hook?token=***"}
    assert json.loads(entry["response_body"]) == {
        **answer,
        "data": {**answer["data"], "url": "http://127.0.0.1:9/hook?token=***"},
        "secret": "***",
    }
    assert entry["headers"] == {
        "idempotency-key": "full-1",
        "content-type": "application/json",
        "content-length": str(len(reply.request.content)),
        "user-agent": "probe/1",
    }
    assert entry["key_preview"] == f"pk_live_{'•' * 8}{plane.api_key[-4:]}"
    (key,) = store.execute("SELECT id FROM api_keys WHERE preview = %s", (entry["key_preview"],)).fetchall()
    assert entry["key_id"] == key["id"]
    assert (entry["operation"], entry["status"], entry["code"]) == ("createWebhookEndpoint", 201, None)
    assert not (entry["request_is_cut"] or entry["response_is_cut"])


def test_what_is_left_of_a_query(plane: ControlPlane, store: psycopg.Connection[dict[str, Any]]) -> None:
    with plane.client() as client:
        body = {"database_uuid": create_database(client, "asked")["uuid"], "query": f"SELECT '{SECRET_VALUE}'::integer"}
        reply = client.post("/query_executions", json=body, headers=new_key())
    entry = entry_of(store, reply)
    assert json.loads(entry["request_body"]) == {**body, "query": "***"}
    answer = reply.json()
    error = answer["error"]
    assert SECRET_VALUE in error["message"]
    masked = {**error, "message": "***", "details": {**error["details"], "sql": "***"}}
    assert json.loads(entry["response_body"]) == {**answer, "error": masked}
    assert "# Secrets are not stored" in as_curl(Entry(**entry))


def raw_get(plane: ControlPlane, target: str) -> str:
    """Asked with `target` to the letter, which httpx would tidy up; returns the request id."""
    parts = urlsplit(plane.base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("GET", parts.path + target, headers={"Authorization": f"Bearer {plane.api_key}"})
    request_id = connection.getresponse().headers["X-Request-Id"]
    connection.close()
    return request_id


def test_the_curl_line_repeats_the_request(plane: ControlPlane, store: psycopg.Connection[dict[str, Any]]) -> None:
    with plane.client() as client:
        sent = client.post("/databases?wait=true", json={"name": "again"}, headers=new_key()).headers["X-Request-Id"]
    odd = [raw_get(plane, target) for target in ("/databases/%5Bx%5D/../y?limit=1", "/databases/{a,b}/[1-2]/'$(x)'")]
    variables = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key, "PATH": "/usr/bin:/bin"}
    for request_id in (sent, *odd):
        before = entry_of(store, request_id)
        line = as_curl(Entry(**before))
        done = subprocess.run(["sh", "-c", line], env=variables, capture_output=True, text=True, check=True)
        again = entry_of(store, json.loads(done.stdout)["request_id"])
        same = ("method", "target", "request_body", "status", "code", "operation")
        assert {name: again[name] for name in same} == {name: before[name] for name in same}
    assert json.loads(entry_of(store, sent)["response_body"])["data"]["name"] == "again"


def test_a_large_body_is_cut(plane: ControlPlane, store: psycopg.Connection[dict[str, Any]]) -> None:
    with plane.client() as client:
        reply = client.post("/blueprint_validations", json={"sql_content": "SELECT 1;\n" * 5000})
    entry = entry_of(store, reply)
    assert entry["request_is_cut"]
    assert len(entry["request_body"].encode()) <= 16 * 1024
    assert json.loads(entry["request_body"])["sql_content"].startswith("SELECT 1;\nSELECT 1;")


@pytest.mark.parametrize("body", [b'{"name": "x', b"\xff\xfe", b'"\\ud800\\u0000"', b"1e999", b"[]"])
def test_odd_bodies_do_not_stop_the_log(
    plane: ControlPlane, store: psycopg.Connection[dict[str, Any]], body: bytes
) -> None:
    with plane.client() as client:
        reply = client.post("/blueprint_validations", content=body, headers={"Content-Type": "application/json"})
        assert reply.status_code in (400, 422)
    assert entry_of(store, reply)["headers"]["content-length"] == str(len(body))


def test_the_newest_entries_remain_and_two_processes_share_them(
    plane: ControlPlane, store: psycopg.Connection[dict[str, Any]], tmp_path: Path
) -> None:
    info = store.info
    url = f"postgresql://{info.user}:{info.password}@127.0.0.1:{info.port}/postgres"
    second = ControlPlane("--database-url", url, "--data-dir", str(tmp_path / "second"), "--rate-limit", "0")
    with second, plane.client() as one, second.client() as two:
        clients = [one, two] * 560
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda client: client.get("/me"), clients))
        last = {client.get("/me").headers["X-Request-Id"] for client in (one, two)}
        wait_until(lambda: last <= {entry["request_id"] for entry in entries(store)})
        # Two that trim at the same moment do not see what the other writes; the next one does.
        one.get("/me")
        wait_until(lambda: len(entries(store)) == 1000)
    kept = entries(store)
    answered = {reply.headers["X-Request-Id"] for reply in replies}
    of_both = {entry["key_preview"] for entry in kept if entry["request_id"] in answered}
    assert len(of_both) == 2


@pytest.mark.parametrize("pause", [0.0, 0.1, *(0.19 + step / 500 for step in range(20)), 0.5])
def test_the_end_writes_what_is_left_and_nothing_twice(
    store: psycopg.Connection[dict[str, Any]], plane: ControlPlane, pause: float
) -> None:
    """The worker cancelled before, while and after it writes."""
    info = store.info
    server = Server("127.0.0.1", info.port, info.user, info.password)
    with plane.client() as client:
        answered = entry_of(store, client.get("/me"))
    entry = Entry(**{**answered, "request_id": f"req_end_{pause}", "id": None})

    async def end() -> None:
        pool = make_pool(server.conninfo(CONTROL_DATABASE))
        recorder = Recorder()
        async with pool:
            recorder.requeue([entry])
            task = asyncio.create_task(writer.request_log_worker(recorder, pool))
            await asyncio.sleep(pause)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()

    asyncio.run(end())
    assert [kept["request_id"] for kept in entries(store)].count(entry.request_id) == 1
