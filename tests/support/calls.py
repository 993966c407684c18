"""Which calls a control plane got, by its own request log."""

from __future__ import annotations

import contextlib
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx

from support.control_plane import ControlPlane, wait_until


@contextlib.contextmanager
def counted(plane: ControlPlane, key: str | None = None) -> Iterator[Counter[str]]:
    """The calls of the API within the block, by operation id; filled at its end. The last 1,000 are seen.

    key: pays for the two calls that mark the block; the developer's own without it.
    """
    found: Counter[str] = Counter()
    with recorded(plane, key) as entries:
        yield found
    found.update(entry["operation"] for entry in entries)


@contextlib.contextmanager
def recorded(plane: ControlPlane, key: str | None = None) -> Iterator[list[dict[str, Any]]]:
    """As `counted`: the entries of the request log, oldest first."""
    found: list[dict[str, Any]] = []
    with plane.admin() as admin, plane.client(key) as api:
        first = _mark(api, admin)
        yield found
        last = _mark(api, admin)
        entries = admin.get("/requests", params={"limit": 1000}).raise_for_status().json()
        assert first >= entries[-1]["id"], "more than 1,000 calls: the log has lost the first ones"
        found.extend(entry for entry in reversed(entries) if first < entry["id"] < last)


def _mark(api: httpx.Client, admin: httpx.Client) -> int:
    """The entry of a call of our own: the log is written a little later than it is answered."""
    mark = str(uuid.uuid4())
    api.get(f"/databases/{mark}")

    def look() -> list[Any]:
        return list(admin.get("/requests", params={"text": mark}).raise_for_status().json())

    return int(wait_until(look)[0]["id"])
