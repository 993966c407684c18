"""The CrossGuard policies of examples/crossguard, on a real engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.control_plane import ControlPlane, database_names
from support.pulumi import Stack

PACK = Path(__file__).resolve().parents[2] / "examples" / "crossguard"


def resources(protected: bool, sql: str, url: str) -> dict[str, Any]:
    return {
        "schema": ("Blueprint", {"name": "crossguard", "sqlContent": sql}),
        "hook": ("WebhookEndpoint", {"url": url, "events": ["database.deleted"]}),
        "orders": ("Database", {"name": "crossguard-orders", "deletionProtection": protected}),
    }


@pytest.fixture
def production(new_stack: Callable[..., Stack]) -> Stack:
    stack = new_stack()
    stack.uninstall()  # the host of the policies is on PATH too
    stack.run("stack", "init", "production")
    return stack


def test_what_breaks_the_policies_is_shown_by_the_preview_and_not_created(
    production: Stack, control_plane: ControlPlane
) -> None:
    sql = "CREATE TABLE a (i int); DROP TABLE a;"
    production.write(resources(False, sql, "http://127.0.0.1:9/x"))
    pack = ("--policy-pack", str(PACK))
    shown = production.run("preview", *pack, ok=False).output
    assert "production-databases-are-protected" in shown
    assert "Set `deletionProtection: true`: production is a production stack." in shown
    assert "`sqlContent` has DROP TABLE." in shown
    assert "`url` must begin with https://" in shown
    done = production.run("up", "--yes", "--skip-preview", *pack, ok=False).output
    assert "mandatory" in done.lower()
    assert "crossguard-orders" not in database_names(control_plane)


def test_what_keeps_the_policies_passes(production: Stack, control_plane: ControlPlane) -> None:
    sql = "-- DROP TABLE old;\nCREATE TABLE a (i int DEFAULT 1, t text DEFAULT 'DROP TABLE a');"
    sql += "ALTER TABLE a ALTER i DROP DEFAULT;"
    production.write(resources(True, sql, "https://hooks.example.com/x"))
    pack = ("--policy-pack", str(PACK))
    assert "polykomos" in production.run("preview", *pack).output
    production.run("up", "--yes", "--skip-preview", *pack)
    assert "crossguard-orders" in database_names(control_plane)
    production.write(resources(False, sql, "https://hooks.example.com/x"))
    production.run("up", "--yes", "--skip-preview")
    production.destroy()


def test_which_stacks_are_production_can_be_configured(stack: Stack, tmp_path: Path) -> None:
    stack.uninstall()
    stack.write({"orders": ("Database", {"name": "crossguard-dev"})})
    stack.run("preview", "--policy-pack", str(PACK))
    config = tmp_path / "policies.json"
    config.write_text(json.dumps({"production-databases-are-protected": {"stacks": ["dev"]}}))
    pack = ("--policy-pack", str(PACK), "--policy-pack-config", str(config))
    assert "dev is a production stack" in stack.run("preview", *pack, ok=False).output
