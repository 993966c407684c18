"""Servers of the HTTP kernel alone: with httptools and uvloop, and with what serves where those have no wheels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from controlplane.http import protocol


@pytest.fixture(params=["httptools and uvloop", "h11 and asyncio"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine whose servers parse with that library, in that event loop."""
    is_fast = request.param == "httptools and uvloop"
    monkeypatch.setattr(protocol, "AutoHTTPProtocol", HttpToolsProtocol if is_fast else H11Protocol)

    def run(whole: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop if is_fast else None) as runner:
            return runner.run(whole)

    return run
