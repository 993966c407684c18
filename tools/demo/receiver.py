"""A small webhook receiver: keeps each delivery and checks its signature as the API reference says."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Delivery:
    """One request as it came: event name, signature header, raw body."""

    event: str
    signature: str
    body: bytes

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature is the HMAC-SHA256 of the raw body with the whole secret (api-facts, Webhooks)."""
        expected = "sha256=" + hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, self.signature)

    @property
    def subject(self) -> str:
        """The name of the database that the event is about."""
        return str(json.loads(self.body)["data"].get("name", "-"))


class Receiver:
    """Listens on a free loopback port while in its `with` block."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                signature = self.headers.get("X-Polykomos-Signature", "")
                receiver._keep(Delivery(self.headers.get("X-Polykomos-Event", ""), signature, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks"

    def _keep(self, delivery: Delivery) -> None:
        with self._arrived:
            self.deliveries.append(delivery)
            self._arrived.notify_all()

    def wait_for(self, event: str, count: int, seconds: float = 20) -> list[Delivery]:
        """Return the deliveries of `event` once there are `count`.

        Raises:
            TimeoutError: There are fewer after the time limit.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.of(event)) >= count, seconds):
                raise TimeoutError(f"{len(self.of(event))} deliveries of {event} within {seconds:.0f} s, not {count}")
            return self.of(event)

    def of(self, event: str) -> list[Delivery]:
        """Return the deliveries of `event` that have arrived."""
        return [delivery for delivery in self.deliveries if delivery.event == event]

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
