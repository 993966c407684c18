"""Requests, models, paging, secrets, waits and proxies, over real sockets."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import polykomos.client
from polykomos.client import (
    Client,
    ClientCancelledError,
    Database,
    DeadlineExceededError,
    IncompleteListError,
    InvalidRequestError,
    NotFoundError,
    Secret,
    TransportError,
    WebhookEndpoint,
    redact,
)
from polykomos.client.polling import poll_until
from support.scripted_server import ScriptedServer, answer

KEY = "pk_live_0123456789abcdef"
UUID = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"
URL = f"postgresql://u1:hunter2@db:5432/{UUID}"


def test_what_every_request_carries() -> None:
    with ScriptedServer([answer(200, {"data": {}})]) as server:
        Client(base_url=server.base_url + "/", api_key=KEY, user_agent_suffix="pulumi").get_account()
        (seen,) = server.seen
    assert seen.path == "/api/v1/me"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["user-agent"].startswith("polykomos-provider/")
    assert seen.headers["user-agent"].endswith(" pulumi")


def test_ids_cannot_reach_another_path() -> None:
    with ScriptedServer([answer(200, {"data": {"uuid": "x", "name": "y"}})]) as server:
        Client(base_url=server.base_url, api_key=KEY).get_database("../me?x=1#")
        assert server.seen[0].path == "/api/v1/databases/..%2Fme%3Fx%3D1%23"


def test_models_ignore_what_they_do_not_know() -> None:
    found = Database.model_validate(
        {"uuid": UUID, "name": "a", "status": "hibernating", "plan": "colossal", "new_field": 1, "quotas": None}
    )
    assert (found.status, found.plan) == ("hibernating", "colossal")
    assert WebhookEndpoint.model_validate({"id": 7, "url": "u", "events": None}).events == []


@pytest.mark.parametrize("text", ["2026-02-10T14:23:01Z", "2026-02-10 14:23:01", "2026-02-10T14:23:01+00:00"])
def test_three_styles_of_time_are_all_utc(text: str) -> None:
    found = Database.model_validate({"uuid": UUID, "name": "a", "created_at": text})
    assert found.created_at == datetime(2026, 2, 10, 14, 23, 1, tzinfo=UTC)


def test_an_undocumented_object_is_reported_without_its_values() -> None:
    with (
        ScriptedServer([answer(200, {"data": {"name": "a", "port": "hunter2"}})]) as server,
        pytest.raises(TransportError, match="Database is not as documented: uuid, port") as raised,
    ):
        Client(base_url=server.base_url, api_key=KEY).get_database(UUID)
    assert "hunter2" not in str(raised.value)


def test_a_field_of_another_type_counts_as_missing(caplog: pytest.LogCaptureFixture) -> None:
    odd = {
        "uuid": UUID,
        "name": "a",
        "port": "hunter2",
        "quotas": {"warning_threshold_pct": [], "connection_hard_limit": 5},
    }
    with ScriptedServer([answer(200, {"data": odd})]) as server:
        found = Client(base_url=server.base_url, api_key=KEY).get_database(UUID)
    assert found.quotas is not None
    assert (found.uuid, found.port, found.quotas.warning_threshold_pct) == (UUID, None, None)
    assert found.quotas.connection_hard_limit == 5
    assert "not as documented: quotas.warning_threshold_pct, port" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("masked", ["postgresql://u42:***@h:5432/d", "mysql://u42:********@h:3306/d", "***"])
def test_what_the_api_masks_tells_nothing(masked: str) -> None:
    found = Database.model_validate({"uuid": UUID, "name": "a", "connection_string": masked, "db_password": "****"})
    assert (found.connection_string, found.db_password) == (None, None)
    real = Database.model_validate({"uuid": UUID, "name": "a", "connection_string": "postgresql://u:a*b@h/d"})
    assert real.connection_string == Secret("postgresql://u:a*b@h/d")


def test_lists_are_read_to_their_end() -> None:
    pages = [
        answer(200, {"data": [{"id": 3, "url": "c"}, {"id": 2, "url": "b"}], "has_more": True}),
        answer(200, {"data": [{"id": 1, "url": "a"}], "has_more": False}),
    ]
    with ScriptedServer(pages) as server:
        found = list(Client(base_url=server.base_url, api_key=KEY).iter_webhook_endpoints())
        assert [endpoint.id for endpoint in found] == [3, 2, 1]
        assert [seen.path.partition("?")[2] for seen in server.seen] == ["limit=100", "limit=100&starting_after=2"]
    endless = ScriptedServer([answer(200, {"data": [], "has_more": True})])
    with endless as server, pytest.raises(IncompleteListError, match="goes on after a page without items"):
        list(Client(base_url=server.base_url, api_key=KEY).iter_databases())


def test_secrets_are_masked_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    body = {"data": {"uuid": UUID, "name": "a", "db_password": "hunter2", "connection_string": URL}}
    echo = {"error": {"code": "x", "message": f"key {KEY} at {URL}", "details": {"field": "name"}}, "request_id": "r"}
    with caplog.at_level(logging.DEBUG), ScriptedServer([answer(200, body), answer(422, echo)]) as server:
        client = Client(base_url=server.base_url, api_key=KEY)
        found = client.get_database(UUID)
        with pytest.raises(InvalidRequestError) as raised:
            client.rename_database(UUID, "a")
    assert found.connection_string is not None
    assert found.connection_string.reveal() == URL
    assert raised.value.field == "name"
    shown = f"{client!r} {found!r} {found} {raised.value} {raised.value!r} " + caplog.text
    for secret in (KEY, "hunter2"):
        assert secret not in shown
    assert "GET /databases/" in caplog.text


@given(st.text(min_size=4), st.text())
def test_masking_leaves_no_trace_of_the_secret(secret: str, around: str) -> None:
    assert secret not in redact(around.replace(secret, "") + secret, [secret]).replace("********", "")


def test_a_wait_ticks_and_ends_when_done_cancelled_or_out_of_time() -> None:
    states = iter(["provisioning", "active"])
    ticks: list[float] = []
    found = poll_until(
        lambda: next(states), lambda state: state == "active", what="it waits", timeout=30, progress=ticks.append
    )
    assert found == "active"
    assert ticks == sorted(ticks)
    with pytest.raises(DeadlineExceededError, match="it waits after"):
        poll_until(lambda: 0, bool, what="it waits", timeout=0.2)
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(ClientCancelledError, match="it waits: the wait was cancelled"):
        poll_until(lambda: 0, bool, what="it waits", timeout=30, cancel=stop)
    assert time.monotonic() - began < 20


def test_a_wait_bears_at_first_that_what_was_just_made_does_not_show_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([NotFoundError(404, "not_found", "not yet"), "active"])

    def read() -> str:
        answer = next(answers)
        if isinstance(answer, NotFoundError):
            raise answer
        return answer

    assert poll_until(read, bool, what="it waits", timeout=30) == "active"
    monkeypatch.setattr("resourcekit.http.polling._UNSEEN_SECONDS", 0.5)
    answers = iter([NotFoundError(404, "not_found", "still not")] * 5)
    with pytest.raises(NotFoundError):
        poll_until(read, bool, what="it waits", timeout=30)


class Answering(BaseHTTPRequestHandler):
    paths: list[str]

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": {}}')

    def log_message(self, *args: Any) -> None:
        pass


def serving() -> tuple[HTTPServer, list[str]]:
    paths: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (Answering,), {"paths": paths}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, paths


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, paths = serving()
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_address[1]}")
    monkeypatch.setenv("NO_PROXY", "")
    Client(base_url="http://api.polykomos.test/api/v1", api_key=KEY).get_account()
    proxy.shutdown()
    assert paths == ["http://api.polykomos.test/api/v1/me"]


@pytest.mark.parametrize("former", ["NotFound", "Bounds", "Written", "mask"])
def test_names_of_earlier_releases_can_be_imported(former: str) -> None:
    assert getattr(polykomos.client, former) is not None
