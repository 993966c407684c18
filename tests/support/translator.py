"""A local server that speaks chat completions, for queries translated by a model."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class ChatServer:
    """Answers every completion with `content`; or with `raw` bytes and `status`. delay: seconds before it does."""

    def __init__(self) -> None:
        self.content = "SELECT 1"
        self.status = 200
        self.raw: bytes | None = None
        self.delay = 0.0
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                chat.asked.append(json.loads(body))
                chat.headers.append(dict(self.headers))
                chat.paths.append(self.path)
                time.sleep(chat.delay)
                message = {"role": "assistant", "content": chat.content}
                answer = chat.raw or json.dumps({"choices": [{"index": 0, "message": message}]}).encode()
                self.send_response(chat.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                pass

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
