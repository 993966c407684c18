"""A real HTTP server of databases and webhook endpoints whose list answers go wrong as a test says."""

from __future__ import annotations

import json
import random
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

FAULTS = (
    "cut body",
    "no data",
    "null data",
    "data is an object",
    "empty with has_more",
    "has_more is a text",
    "page repeated",
    "first page again",
    "overlap",
    "doubles in a page",
    "insert",
    "item without id",
)
# What only moves or repeats objects: the list is whole all the same.
HARMLESS = ("overlap", "doubles in a page", "insert")


@dataclass
class ListServer:
    """Serves `/databases`, `/blueprints` and `/webhook_endpoints`, newest first.

    Attributes:
        page_size: Of its pages, whatever the limit is.
        faults: One for each page that is asked for, None for a right one; right pages when they are used up.
    """

    page_size: int
    faults: list[str | None] = field(default_factory=list)
    databases: list[dict[str, Any]] = field(default_factory=list)
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    blueprints: list[dict[str, Any]] = field(default_factory=list)
    lists: int = 0

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._served: list[list[dict[str, Any]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v1"

    def fill(self, count: int, chance: random.Random) -> None:
        """Make so many objects of each kind."""
        for _ in range(count):
            self.databases.insert(0, new_database(chance))
            self.endpoints.insert(0, new_endpoint(len(self.endpoints) + 1))

    def answer(self, path: str) -> tuple[int, Any, int]:
        """Status, body, and how many bytes of it are not sent."""
        parts = urlsplit(path)
        segments = parts.path.removeprefix("/api/v1/").split("/")
        if segments[0] == "me":
            return 200, {"data": {"user": {"email": "a@example.com"}, "api_key": {}}}, 0
        items, cursor = {
            "databases": (self.databases, "uuid"),
            "blueprints": (self.blueprints, "uuid"),
            "webhook_endpoints": (self.endpoints, "id"),
        }[segments[0]]
        if len(segments) > 1:
            found = next((each for each in items if str(each[cursor]) == segments[1]), None)
            missing = {"error": {"code": "not_found", "message": "Not there.", "details": {}}, "request_id": "r"}
            return (200, {"data": found}, 0) if found else (404, missing, 0)
        with self._lock:
            self.lists += 1
            fault = self.faults.pop(0) if self.faults else None
            after = parse_qs(parts.query).get("starting_after", [None])[0]
            return self._page(items, cursor, after, fault)

    def _page(
        self, items: list[dict[str, Any]], cursor: str, after: str | None, fault: str | None
    ) -> tuple[int, Any, int]:
        if fault == "insert":
            items.insert(0, new_database(random.Random()) if cursor == "uuid" else new_endpoint(1000 + self.lists))
        ids = [str(each[cursor]) for each in items]
        start = ids.index(after) + 1 if after in ids else 0
        if fault == "overlap":
            start = max(0, start - self.page_size + 1)
        if fault == "first page again":
            start = 0
        page = items[start : start + self.page_size]
        # Within one listing: the first page of another that is a later page's copy cannot be told from a whole list.
        if fault == "page repeated" and self._served and after is not None:
            page = self._served[-1]
        if fault == "doubles in a page":
            page = [*page, *page[:1]]
        self._served.append(page)
        body: dict[str, Any] = {"data": page, "has_more": start + self.page_size < len(items), "request_id": "r"}
        match fault:
            case "no data":
                del body["data"]
            case "null data":
                body["data"] = None
            case "data is an object":
                body["data"] = {}
            case "empty with has_more":
                body |= {"data": [], "has_more": True}
            case "has_more is a text":
                body["has_more"] = "true"
            case "item without id" if page:
                body["data"] = [*page[:-1], {name: value for name, value in page[-1].items() if name != cursor}]
        return 200, body, 5 if fault == "cut body" else 0


def new_database(chance: random.Random) -> dict[str, Any]:
    return {"uuid": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "name": "d", "status": "active"}


def new_endpoint(number: int) -> dict[str, Any]:
    return {"id": number, "url": "https://hooks.example.com", "events": [], "status": "active"}


def _handler(server: ListServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            status, body, cut = server.answer(self.path)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) - cut])
            self.close_connection = bool(cut)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
