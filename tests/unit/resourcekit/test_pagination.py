"""Lists by page numbers and by links, read from a server that divides them as such APIs do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from resourcekit.http.api import Api
from resourcekit.http.client import HttpClient
from resourcekit.http.credentials import bearer
from resourcekit.http.errors import IncompleteListError
from resourcekit.http.pagination import NextLinkPaging, PageNumberPaging, Paging

API = Api(name="shelves", version="1.0")
NUMBERS = [{"n": number} for number in range(25)]
# The server never returns more items, whatever a client requests.
MOST = 10


class Pages(BaseHTTPRequestHandler):
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.seen.append(url.query)
        parameters = {name: values[-1] for name, values in parse_qs(url.query).items()}
        body = json.dumps(self.body(url.path, parameters)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self, path: str, parameters: dict[str, str]) -> Any:
        if path == "/odd":
            return {"data": [], "total": 3} if "page" in parameters else {"results": NUMBERS, "next": "/no-parameters"}
        number = int(parameters.get("page", 1))
        size = min(MOST, int(parameters.get("per_page", MOST)))
        items = NUMBERS[: int(parameters.get("most", 99))]
        some = items[(number - 1) * size : number * size]
        if path == "/array":
            return some
        if path == "/numbers":
            return {"data": some, "total": len(items)}
        more = f"http://elsewhere.example/links?most={len(items)}&page={number + 1}&tag=a&tag=b"
        return {"results": some, "next": more if number * size < len(items) else None}

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def read(base_url: str, path: str, paging: Paging, **filters: Any) -> tuple[list[int], list[str]]:
    """The numbers of the list, and the queries that were sent."""
    client_class = type("Client", (HttpClient,), {"paging": paging})
    Pages.seen.clear()
    with client_class(API, base_url=base_url, credentials=bearer("k")) as client:
        numbers = [each["n"] for each in client.iter_objects(path, filters)]
    return numbers, list(Pages.seen)


@pytest.mark.parametrize(
    ("path", "paging", "calls"),
    [
        ("/array", PageNumberPaging(), 4),  # the server returns 10 items, though 100 are requested
        ("/array", PageNumberPaging(limit=7), 5),
        ("/numbers", PageNumberPaging("data", total="total"), 4),
        ("/links", NextLinkPaging(), 3),
    ],
)
def test_a_list_is_read_to_its_end(base_url: str, path: str, paging: Paging, calls: int) -> None:
    numbers, sent = read(base_url, path, paging)
    assert (numbers, len(sent)) == ([each["n"] for each in NUMBERS], calls)


def test_a_total_saves_the_call_for_an_empty_page(base_url: str) -> None:
    assert read(base_url, "/numbers", PageNumberPaging("data", total="total"), most=4) == (
        [0, 1, 2, 3],
        ["most=4&page=1&per_page=100"],
    )
    assert len(read(base_url, "/numbers", PageNumberPaging("data"), most=4)[1]) == 2


def test_a_link_gives_parameters_and_no_host(base_url: str) -> None:
    assert read(base_url, "/links", NextLinkPaging(), most=11)[1] == ["most=11", "most=11&page=2&tag=a&tag=b"]


@pytest.mark.parametrize(
    ("paging", "fault"),
    [
        (PageNumberPaging("data", total="total"), "total is 3, without items"),
        (NextLinkPaging(), "next is not a URL with parameters"),
    ],
)
def test_a_list_that_cannot_be_read_to_its_end_is_not_used(base_url: str, paging: Paging, fault: str) -> None:
    with pytest.raises(IncompleteListError, match=fault):
        read(base_url, "/odd", paging)
