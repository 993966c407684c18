"""The kit's HTTP layer, for APIs of other kinds than Polykomos': logins, cursors, plain arrays, secrets in the URL."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from resourcekit.http.api import Api, ErrorBody, read_text_error
from resourcekit.http.client import HttpClient
from resourcekit.http.credentials import Credentials, LoginCredentials, basic, bearer
from resourcekit.http.errors import IncompleteListError, TransportError, UnauthorizedError
from resourcekit.http.models import Model
from resourcekit.http.pages import iter_items
from resourcekit.http.pagination import CursorPaging, Paging, PlainArray
from resourcekit.http.transport import RequestOptions, Transport
from support.scripted_server import ScriptedServer, Step, answer, hang_up

API = Api(name="shelves", version="1.0")
TOKEN = "token-of-the-login"


class Client(HttpClient):
    @property
    def calls(self) -> Transport:
        return self._transport


def client(server: ScriptedServer, credentials: Credentials, seconds: float = 10) -> Client:
    found = Client(API, base_url=server.base_url, credentials=credentials)
    return found.with_options(RequestOptions(time.monotonic() + seconds))


def login(clock: Callable[[], float] = time.monotonic) -> LoginCredentials:
    return LoginCredentials("/auth/login", {"email": "a@b.c", "password": "hunter22"}, "/auth/refresh", clock)


def token(text: str, seconds: int = 3600) -> Step:
    return answer(200, {"access_token": text, "token_type": "Bearer", "expires_in": seconds})


OK = answer(200, {"data": []})


def sent(server: ScriptedServer) -> list[tuple[str, str]]:
    return [(each.path.removeprefix("/api/v1"), each.headers.get("authorization", "")) for each in server.seen]


def test_a_login_comes_before_the_first_call_and_a_renewal_before_the_token_expires() -> None:
    now = [0.0]
    steps = [token("one"), OK, OK, token("two"), OK, token("three"), OK]
    with ScriptedServer(steps) as server:
        api = client(server, login(lambda: now[0]))
        for moment in (0.0, 3539.0, 3541.0, 9999.0):  # the token's last minute begins at 3540
            now[0] = moment
            api.calls.request_json("GET", "/compute")
        assert sent(server) == [
            ("/auth/login", ""),
            ("/compute", "Bearer one"),
            ("/compute", "Bearer one"),
            ("/auth/refresh", "Bearer one"),
            ("/compute", "Bearer two"),
            ("/auth/login", ""),
            ("/compute", "Bearer three"),
        ]


def test_a_refused_token_is_replaced_once_and_a_write_is_sent_again() -> None:
    refused = answer(401, {"error": "the token was revoked"})
    with ScriptedServer([token("one"), refused, token("two"), OK]) as server:
        client(server, login()).calls.request_json("POST", "/compute", json={"name": "a"})
        assert sent(server)[1:] == [("/compute", "Bearer one"), ("/auth/login", ""), ("/compute", "Bearer two")]
    with ScriptedServer([token("one"), refused, token("two"), refused]) as server:
        with pytest.raises(UnauthorizedError, match=r"the token was revoked \(401\)"):
            client(server, login()).calls.request_json("GET", "/compute")
        assert len(server.seen) == 4


def test_a_failed_renewal_is_followed_by_a_login() -> None:
    now = [0.0]
    with ScriptedServer([token("one"), OK, answer(401, {"error": "revoked"}), token("two"), OK]) as server:
        api = client(server, login(lambda: now[0]))
        api.calls.request_json("GET", "/compute")
        now[0] = 3590.0
        api.calls.request_json("GET", "/compute")
        assert [path for path, _ in sent(server)[2:]] == ["/auth/refresh", "/auth/login", "/compute"]


@pytest.mark.parametrize(
    ("step", "error", "shown"),
    [
        (answer(401, {"error": "no such user: a@b.c, hunter22"}), UnauthorizedError, "no such user: ********"),
        (answer(200, {"token_type": "Bearer"}), TransportError, "the response to the login is not as documented"),
    ],
)
def test_a_failed_login_is_reported_without_its_password(step: Step, error: type[Exception], shown: str) -> None:
    with ScriptedServer([step]) as server:
        with pytest.raises(error) as caught:
            client(server, login(), 0).calls.request_json("POST", "/compute")
        assert shown in str(caught.value)
        assert "hunter22" not in str(caught.value)


def test_a_login_is_repeated_after_a_lost_answer() -> None:
    with ScriptedServer([hang_up, token("one"), OK]) as server:
        client(server, login()).calls.request_json("POST", "/compute")
        assert [path for path, _ in sent(server)] == ["/auth/login", "/auth/login", "/compute"]


class Item(Model):
    id: str


def listed(server: ScriptedServer, paging: Paging) -> list[str]:
    calls = client(server, bearer("k")).calls
    return [item.id for item in iter_items(calls, "/items", Item, lambda item: item.id, paging, {"provider": "p q"})]


def page(ids: Sequence[str], **more: Any) -> Step:
    return answer(200, {"data": [{"id": each} for each in ids], **more})


def test_a_list_is_read_by_its_cursor_to_the_end() -> None:
    with ScriptedServer([page("ab", next_cursor="x/="), page("bc")]) as server:
        assert listed(server, CursorPaging(limit=2)) == ["a", "b", "c"]
        assert [each.path.partition("?")[2] for each in server.seen] == [
            "provider=p+q&limit=2",
            "provider=p+q&limit=2&cursor=x%2F%3D",
        ]


@pytest.mark.parametrize(
    ("pages", "fault"),
    [
        ([page("ab", next_cursor="x"), page("", next_cursor="y")], "goes on after a page without items"),
        ([page("ab", next_cursor="x")], "has no end: it comes back to b"),
        ([page("ab", next_cursor=5)], "next_cursor is not a string"),
    ],
)
def test_a_list_that_cannot_be_read_to_its_end_is_not_used(pages: list[Step], fault: str) -> None:
    with ScriptedServer(pages) as server, pytest.raises(IncompleteListError, match=fault):
        listed(server, CursorPaging())


def test_rows_that_are_equal_are_all_listed_where_nothing_identifies_them() -> None:
    """Two equal lines of a bill are two lines."""
    with ScriptedServer([page("aab", next_cursor="x"), page("ac")]) as server:
        rows = iter_items(client(server, bearer("k")).calls, "/items", Item, None, CursorPaging())
        assert [item.id for item in rows] == ["a", "a", "b", "a", "c"]
    with ScriptedServer([page("aab", next_cursor="x")]) as server:
        rows = iter_items(client(server, bearer("k")).calls, "/items", Item, None, CursorPaging())
        with pytest.raises(IncompleteListError, match="has no end"):
            list(rows)


def test_a_plain_array_is_a_list_and_an_object_is_none() -> None:
    with ScriptedServer([answer(200, [{"id": "a"}, {"id": "b"}])]) as server:
        assert listed(server, PlainArray()) == ["a", "b"]
    with ScriptedServer([page("ab")]) as server:
        calls = client(server, bearer("k"), 0).calls
        with pytest.raises(TransportError, match="GET /items was not a JSON array"):
            list(iter_items(calls, "/items", Item, lambda item: item.id, PlainArray()))


def test_secret_parameters_are_sent_and_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = {"query": "SELECT 'Pa§s w' & 1"}
    with ScriptedServer([OK, answer(404, {"error": "gone"})]) as server:
        api = client(server, basic("user:p"))
        api.calls.request_json("POST", "/query", params={"limit": 1}, secret_params=secret, json={})
        assert server.seen[0].path == "/api/v1/query?limit=1&query=SELECT+%27Pa%C2%A7s+w%27+%26+1"
        assert server.seen[0].body == {}
        assert sent(server)[0][1] == "Basic dXNlcjpw"
        with pytest.raises(Exception, match="gone") as caught:
            api.calls.request_json("POST", "/query", secret_params=secret)
    shown = caplog.text + repr(caught.value) + str(caught.value)
    assert "POST /query 200" in shown
    assert "HTTP Request: POST" in shown, "httpx's own line"
    assert "SELECT" not in shown
    assert "Pa" not in shown.replace("Path", "")


def test_a_file_is_sent_as_multipart_and_a_response_may_have_no_content() -> None:
    with ScriptedServer([answer(204, "")]) as server:
        files = {"code": ("provider.tar.gz", b"\x00\xff", "application/gzip")}
        assert client(server, bearer("k")).calls.request_json("POST", "/code", files=files) == {}
        assert server.seen[0].headers["content-type"].startswith("multipart/form-data; boundary=")
        assert b'name="code"; filename="provider.tar.gz"' in server.seen[0].body
        assert b"\x00\xff" in server.seen[0].body


@pytest.mark.parametrize(
    ("body", "message"),
    [({"error": "a"}, "a"), ({"message": "b"}, "b"), ({"detail": "c"}, "c"), ({"error": {}}, ""), ([], ""), (None, "")],
)
def test_the_text_of_an_error_body_is_found(body: Any, message: str) -> None:
    assert read_text_error(body) == ErrorBody(message=message)
