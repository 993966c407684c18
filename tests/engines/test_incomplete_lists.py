"""A list that says itself that it is not whole drops nothing from a state, and is not what is adopted by."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.list_server import ListServer
from support.pulumi import Stack
from support.terraform import Workspace

POLYKOMOS = Path(sys.executable).with_name("polykomos")
BROKEN = ("empty with has_more", "no data", "null data", "first page again")


@pytest.fixture
def service() -> Iterator[ListServer]:
    with ListServer(2) as server:
        server.fill(5, random.Random(1))
        yield server


@pytest.fixture
def connection(service: ListServer) -> dict[str, str]:
    return {"POLYKOMOS_BASE_URL": service.base_url, "POLYKOMOS_API_KEY": "pk_live_lists"}


def break_lists(service: ListServer, fault: str) -> None:
    """Every list answer from now on, the first page of a listing too where that can be wrong."""
    service.faults[:] = ([None] if fault == "first page again" else []) + [fault] * 200


def test_a_state_keeps_what_such_a_list_lacks(started_workspace: Workspace, service: ListServer) -> None:
    workspace = started_workspace
    hook = 'resource "polykomos_webhook_endpoint" "hook" {\n  url = "https://hooks.example.com"\n}\n'
    workspace.write(f'import {{\n  to = polykomos_webhook_endpoint.hook\n  id = "1"\n}}\n{hook}')
    workspace.apply()
    workspace.write(hook)
    for fault in BROKEN:
        break_lists(service, fault)
        told = workspace.plan(ok=False).diagnostics
        assert "webhook_endpoints" in told or "WebhookEndpoint" in told, fault
        assert '"1"' in workspace.state_text
    service.faults.clear()
    workspace.settled()


def test_pulumi_and_adopt_conclude_nothing_from_it(stack: Stack, service: ListServer) -> None:
    stack.import_("WebhookEndpoint", "hook", "1")
    stack.write({"hook": ("WebhookEndpoint", {"url": "https://hooks.example.com"})})
    for fault in BROKEN:
        break_lists(service, fault)
        stack.refresh(ok=False)
        assert stack.resource("hook")["id"] == "1", fault
        words = [str(POLYKOMOS), "adopt", "pulumi", "--all", "--stack", "dev"]
        done = subprocess.run(
            words, cwd=stack.directory, env=stack.env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 1, done.stderr
        assert "nothing to adopt" not in done.stderr
        assert "Traceback" not in done.stderr
    service.faults.clear()
    stack.refresh("--expect-no-changes")
