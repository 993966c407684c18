"""A stand-in for the transit engine of HashiCorp Vault, where stacks of the tests have their key.

A passphrase becomes a key in a million rounds of PBKDF2: 0.16 s of CPU for each Pulumi command. What it "encrypts" is
readable, so that `support.checkpoint` needs neither it nor a passphrase.
"""

from __future__ import annotations

import base64
import functools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

URL = "hashivault://tests"
_PREFIX = "vault:v1:"


class _Transit(BaseHTTPRequestHandler):
    """PUT /v1/transit/encrypt/tests and /v1/transit/decrypt/tests."""

    def do_PUT(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "plaintext" in request:
            data = {"ciphertext": _PREFIX + request["plaintext"]}
        else:
            data = {"plaintext": request["ciphertext"].removeprefix(_PREFIX)}
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@functools.cache
def environment() -> tuple[tuple[str, str], ...]:
    """Start the worker's stand-in. Returns what tells Pulumi of it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Transit)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return (("VAULT_SERVER_URL", f"http://127.0.0.1:{server.server_port}"), ("VAULT_SERVER_TOKEN", "tests"))


def key(encrypted: str) -> bytes:
    """Return a stack's key: what its checkpoint has as `encryptedkey`."""
    return base64.b64decode(base64.b64decode(encrypted).decode().removeprefix(_PREFIX))
