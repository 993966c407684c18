"""The log: one JSON line a request, and no secret in any of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from support.control_plane import OTHER_KEY, SCOPE_KEYS, ControlPlane, create_database
from support.operations import BY_NAME, OPERATIONS

SECRET_VALUE = "tuna-melt-4711"


@dataclass
class Scene:
    """What a busy control plane has been told and has given out."""

    plane: ControlPlane
    replies: list[httpx.Response] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """Every operation called, well and badly, with secrets in bodies, headers and URLs."""
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1") as plane:
        told = Scene(plane)
        with plane.client(event_hooks={"response": [told.replies.append]}) as client:
            play(client, told)
        yield told


def play(client: httpx.Client, told: Scene) -> None:
    secrets = told.secrets
    secrets["own key"], secrets["other key"] = told.plane.api_key, OTHER_KEY
    secrets |= {f"key of {scope}": key for scope, key in SCOPE_KEYS.items()}
    database = create_database(client, "logged")
    secrets["database password"] = database["db_password"]
    secrets["connection string"] = database["connection_string"]
    hook = {"url": f"http://127.0.0.1:9/hook?token={SECRET_VALUE}"}
    endpoint = BY_NAME["createWebhookEndpoint"].call(client, json=hook).json()
    secrets["webhook secret"] = endpoint["secret"]
    secrets["value of a variable"] = SECRET_VALUE
    BY_NAME["createWebhookTestDelivery"].call(client, endpoint["data"]["id"])
    # One that succeeds and one that PostgreSQL refuses, with the row in its message.
    for sql in (
        "CREATE TABLE kept AS SELECT {{word}}::text AS word",
        "CREATE TABLE short (word text CHECK (length(word) < 10)); INSERT INTO short VALUES ({{word}})",
    ):
        blueprint = {"name": "B", "sql_content": sql, "variables": {"word": {"type": "string", "required": True}}}
        made = BY_NAME["createBlueprint"].call(client, json=blueprint)
        assert made.status_code == 201, made.text
        body = {"blueprint_uuid": made.json()["data"]["uuid"], "variables": {"word": SECRET_VALUE}}
        assert BY_NAME["createDatabaseBlueprintApplication"].call(client, database["uuid"], json=body).is_success
    # A query that answers with the value, and one whose error repeats it.
    for query in (f"SELECT '{SECRET_VALUE}' AS w", f"SELECT '{SECRET_VALUE}'::integer"):
        asked = {"database_uuid": database["uuid"], "query": query}
        assert SECRET_VALUE in BY_NAME["createQueryExecution"].call(client, json=asked).text
    for operation in OPERATIONS:
        operation.call(client)
        operation.call(client, content=f'{{"name": "{SECRET_VALUE}')
        operation.call(client, json={"name": [SECRET_VALUE], "variables": SECRET_VALUE, "url": SECRET_VALUE})
        operation.call(client, headers={"Authorization": f"Bearer pk_live_{SECRET_VALUE}"})
        operation.call(client, headers={"Authorization": f"Basic {SECRET_VALUE}"})
        operation.call(client, params={"api_key": SECRET_VALUE, "starting_after": SECRET_VALUE})
    client.get(f"/databases/{SECRET_VALUE}")
    client.get(f"/databases/pk_live_{SECRET_VALUE}")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database["connection_string"], dbname=SECRET_VALUE)
    time.sleep(1.5)  # Retries of deliveries log as well.


def test_every_line_is_json_with_time_level_and_logger(scene: Scene) -> None:
    for line in scene.plane.log_text.splitlines():
        entry = json.loads(line)
        assert {"time", "level", "logger", "message"} <= entry.keys()
        assert datetime.fromisoformat(entry["time"]).tzinfo is not None


def test_every_request_has_one_line_with_its_facts(scene: Scene) -> None:
    lines = {line["request_id"]: line for line in scene.plane.request_lines()}
    assert len(lines) == len(scene.plane.request_lines()) == len(scene.replies)
    for reply in scene.replies:
        line = lines[reply.headers["X-Request-Id"]]
        assert line["method"] == reply.request.method
        assert line["status"] == reply.status_code
        assert line["ms"] >= 0
        assert "?" not in line["path"]
        if reply.status_code >= 400:
            assert line["code"] == reply.json()["error"]["code"]


def test_the_operation_and_the_masked_key_are_named(scene: Scene) -> None:
    preview = f"pk_live_{'•' * 8}{scene.plane.api_key[-4:]}"
    lines = scene.plane.request_lines()
    assert {operation.name for operation in OPERATIONS} <= {line.get("operation") for line in lines}
    assert {line.get("key") for line in lines} == {preview, None}


def test_no_secret_is_in_the_log(scene: Scene) -> None:
    text = scene.plane.log_text
    # A path is logged as it came, but for keys; the client put the value there itself.
    text = text.replace(f"/databases/{SECRET_VALUE}", "")
    assert {name for name, secret in scene.secrets.items() if secret in text} == set()


def test_no_secret_is_in_an_error(scene: Scene) -> None:
    errors = [reply.text for reply in scene.replies if reply.status_code >= 400]
    assert errors
    hidden = {name: secret for name, secret in scene.secrets.items() if name != "value of a variable"}
    assert {name for name, secret in hidden.items() for text in errors if secret in text} == set()


@pytest.mark.facts("C16")
def test_secrets_are_given_out_where_they_must_and_nowhere_else(scene: Scene) -> None:
    """C16: the password by create and get of one database, the webhook secret by its creation."""

    def operations_showing(name: str) -> set[tuple[str, str]]:
        shown = [reply.request for reply in scene.replies if scene.secrets[name] in reply.text]
        return {(request.method, urlsplit(str(request.url)).path.split("/")[3]) for request in shown}

    assert operations_showing("database password") == {("POST", "databases")}
    assert operations_showing("webhook secret") == {("POST", "webhook_endpoints")}
    assert operations_showing("own key") == set()


def test_nothing_is_logged_as_an_error_for_faults_of_callers(scene: Scene) -> None:
    entries = [json.loads(line) for line in scene.plane.log_text.splitlines()]
    assert [entry for entry in entries if entry["level"] in ("error", "critical")] == []
    assert not [entry for entry in entries if "traceback" in json.dumps(entry).lower()]
