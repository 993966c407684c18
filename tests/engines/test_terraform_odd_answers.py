"""An API that answers oddly once it has made something: the Terraform provider never loses what was made."""

from __future__ import annotations

from typing import Any

import pytest

from support.scripted_server import ScriptedServer, answer
from support.tfplugin import Plugin, errors, plain

DATABASE, UUID = "polykomos_database", "9a7c1f7e-0000-4000-8000-000000000001"
ORDINARY: dict[str, Any] = {
    "uuid": UUID, "name": "x", "status": "active", "region": "r", "plan": "free", "db_type": "postgres", "host": "h",
    "port": 1, "db_name": "d", "db_username": "u", "db_password": "p", "connection_string": "postgresql://u:p@h:1/d",
    "quotas": {"storage_hard_limit_gb": 1.5, "connection_hard_limit": 2, "warning_threshold_pct": 80},
    "team_id": 1, "team_name": "t", "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
}  # fmt: skip
ODD = {
    "port": "n/a",
    "team_id": [],
    "region": 7,
    "created_at": "yesterday",
    "updated_at": "0001-01-01T00:00:00+14:00",
    "quotas": {**ORDINARY["quotas"], "storage_hard_limit_gb": float("nan")},
    "db_password": None,
    "host": {},
}


@pytest.mark.parametrize("field", ODD)
def test_a_field_that_is_not_as_documented_is_null(field: str) -> None:
    with ScriptedServer([answer(201, {"data": {**ORDINARY, field: ODD[field]}})]) as server:
        state = created(server)
    missing = "storage_hard_limit_gb" if field == "quotas" else field
    assert state[missing] is None
    assert (state["id"], state["warning_threshold_pct"], state["db_name"]) == (UUID, 80, "d")


def test_half_a_character_is_replaced() -> None:
    with ScriptedServer([answer(201, {"data": {**ORDINARY, "team_name": "a\ud800b"}})]) as server:
        assert created(server)["team_name"] == "a\N{REPLACEMENT CHARACTER}b"


def test_a_create_response_without_an_id_is_reported() -> None:
    with ScriptedServer([answer(201, {"data": {**ORDINARY, "uuid": None}})]) as server, running(server) as plugin:
        plugin.configure()
        config = plugin.object(DATABASE, name="x")
        reply = plugin.apply(DATABASE, config, plugin.plan(DATABASE, config))
    assert "not as documented: uuid" in errors(reply)[0]


def running(server: ScriptedServer) -> Plugin:
    return Plugin({"POLYKOMOS_BASE_URL": server.base_url, "POLYKOMOS_API_KEY": "pk_live_odd"})


def created(server: ScriptedServer) -> dict[str, Any]:
    """The state of a database made there; read once more, it is the same."""
    with running(server) as plugin:
        plugin.configure()
        made = plugin.create(DATABASE, name="x")
        assert plain(plugin.read(DATABASE, made).new_state) == made
        return made
