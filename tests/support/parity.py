"""Which test saw which status of which operation, for docs/parity.md; off unless POLYKOMOS_PARITY names a file."""

from __future__ import annotations

import json
import os
from typing import Any

import httpx


def hooks() -> dict[str, list[Any]]:
    """httpx event hooks: a line [test id, method, path, status] in that file for every response during a test."""
    return {"response": [_write]} if os.environ.get("POLYKOMOS_PARITY") else {}


def _write(response: httpx.Response) -> None:
    test, _, phase = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")
    if phase != "(call)":  # a fixture's calls belong to no test in particular
        return
    line = json.dumps([test, response.request.method, response.request.url.path, response.status_code]) + "\n"
    # One write to a file opened for appending: the lines of several workers do not mix.
    file = os.open(os.environ["POLYKOMOS_PARITY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
