"""An operation's deadline also ends a call that is under way (field report C5)."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from polykomos.client import Client, RequestOptions
from polykomos.client.errors import ResponseOverdueError
from support.scripted_server import ScriptedServer, Step, answer, late

UUID = "d7f3a1b2-4c5e-4f7a-8b9c-0d1e2f3a4b5c"


def dripping(connection: socket.socket) -> None:
    """An answer that comes a byte at a time, and never to its end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    with contextlib.suppress(OSError):
        for _ in range(400):
            connection.sendall(b" ")
            time.sleep(0.05)


@pytest.mark.parametrize("step", [late(answer(200, {"data": {}}), threading.Event()), dripping], ids=["late", "drips"])
@pytest.mark.parametrize(
    ("call", "is_told"),
    [
        (lambda api: api.get_database(UUID), False),
        (lambda api: api.delete_database(UUID), True),
        (lambda api: api.update_blueprint(UUID, {"name": "b"}), True),
    ],
    ids=["read", "with a key", "without a key"],
)
def test_a_call_under_way_ends(
    step: Step, call: Callable[[Client], Any], is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither answer would come within 20 seconds."""
    monkeypatch.setattr("resourcekit.http.sender.LEAST_SECONDS", 0.1)
    began = time.monotonic()
    with (
        ScriptedServer([step]) as server,
        Client(base_url=server.base_url, api_key="pk_live_0123456789abcdef") as api,
        pytest.raises(ResponseOverdueError, match="before the operation's time-out") as overdue,
    ):
        call(api.with_options(RequestOptions(time.monotonic() + 0.3)))
    assert ("The API may have carried it out" in str(overdue.value)) == is_told
    assert time.monotonic() - began < 15
