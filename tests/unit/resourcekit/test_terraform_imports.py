"""States of older releases, through a resource that has upgraded its own."""

from __future__ import annotations

import json
from typing import Any

from resourcekit.lifecycle import Lifecycle
from resourcekit.terraform.cty.msgpack import unpack
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.resource_type import ResourceType
from resourcekit.terraform.rpc.import_state import StateRpcs
from resourcekit.terraform.session import TerraformSession
from support.sample_vendor import PACKAGE, Cabinet


class Renamed(Cabinet):
    """A cabinet whose `note` was called `remark` in version 0, and was a list of words in version 1."""

    schema_version = 2

    def upgrade_state(self, version: int, state: dict[str, Any]) -> dict[str, Any]:
        if version == 0:
            state["note"] = state.pop("remark")
        return {**state, "note": " ".join(state["note"]) if isinstance(state["note"], list) else state["note"]}


KIND = ResourceType("carpentry_cabinet", Lifecycle(PACKAGE, Renamed()))


IMPORTS = StateRpcs(TerraformSession(PACKAGE), {"carpentry_cabinet": KIND})


def upgrade(version: int, state: dict[str, Any]) -> pb.UpgradeResourceState.Response:
    raw = pb.RawState(json=json.dumps(state).encode())
    request = pb.UpgradeResourceState.Request(type_name="carpentry_cabinet", version=version, raw_state=raw)
    reply: pb.UpgradeResourceState.Response = IMPORTS.UpgradeResourceState(request, None)
    return reply


def test_every_older_version_is_read() -> None:
    assert KIND.block.version == 2
    for version, kept in ((0, {"remark": "a b"}), (1, {"note": ["a", "b"]}), (2, {"note": "a b"})):
        found = unpack(upgrade(version, {"id": "7", "name": "a", **kept}).upgraded_state.msgpack)
        assert (found["id"], found["name"], found["note"]) == ("7", "a", "a b")
        assert set(found) == set(KIND.block.types)


def test_an_unreadable_state_is_reported_with_the_attribute() -> None:
    (told,) = upgrade(2, {"drawers": {"d": {"depth": "deep"}}}).diagnostics
    assert [getattr(step, step.WhichOneof("selector")) for step in told.attribute.steps] == ["drawers", "d", "depth"]
    assert "number" in told.detail
    (told,) = upgrade(3, {}).diagnostics
    assert "newer release" in told.detail
    raw = pb.RawState(flatmap={"id": "7"})
    request = pb.UpgradeResourceState.Request(type_name="carpentry_cabinet", raw_state=raw)
    (told,) = IMPORTS.UpgradeResourceState(request, None).diagnostics
    assert "before 0.12" in told.detail
