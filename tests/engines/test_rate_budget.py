"""A key's limit makes runs wait and never fail, on a real engine and a real limit."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from support.calls import counted
from support.control_plane import SCOPE_KEYS, ControlPlane
from support.pulumi import Stack

LIMIT, MANY = 60, 75


@pytest.mark.slow
def test_more_resources_than_calls_in_a_minute(new_stack: Callable[..., Stack]) -> None:
    with ControlPlane("--ephemeral", "--rate-limit", str(LIMIT), "--pool-size", "0") as plane:
        stack = new_stack({"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key})
        stack.write({f"bp{n}": ("Blueprint", {"name": f"limit-{n}", "sqlContent": "SELECT 1"}) for n in range(MANY)})
        # Another key marks the log: this one's calls are counted out.
        with counted(plane, key=SCOPE_KEYS["databases:read"]) as calls:
            began = time.monotonic()
            made = stack.up()
            took = time.monotonic() - began
        assert made.count == {"create": MANY}
        assert "error" not in made.diagnostics
        assert "429" not in made.output
        assert any(f"limit of {LIMIT} calls a minute is reached: waiting" in row for row in made.rows)
        assert calls == {"createBlueprint": MANY, "getMe": 1}, "none was refused"
        assert took >= 55, "the limit was real"
        with counted(plane, key=SCOPE_KEYS["databases:read"]) as calls:
            stack.refresh("--expect-no-changes")
        assert calls == {"getBlueprint": 1, "listBlueprints": 1}
