"""The seed of a planned create's idempotency keys, in the plan's private state."""

from __future__ import annotations

import os
from typing import Any

import pytest

from resourcekit.idempotency import IdempotencyKeys, OwnershipRegistry, ResourceRefs
from resourcekit.terraform.plan_cache import PlanCache
from resourcekit.terraform.private_state import PrivateState
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.rpc.resource import ResourceRpcs
from resourcekit.terraform.session import TerraformSession
from support.sample_vendor import PACKAGE, cabinet

STORES = pb.ClientCapabilities(store_planned_private=True)
IN_STATE = frozenset({("db", "x")})


def planned(fd: int, *sent: bytes, stores: bool = True) -> list[str]:
    """Plan identical creates in one new process, each with the private state of its first plan; return the seeds."""
    kind, session = cabinet(), TerraformSession(PACKAGE)
    session.api, session.plan_cache = object(), PlanCache(fd)
    session.plan_cache.open("settings")
    rpcs = ResourceRpcs(session, {kind.type_name: kind})
    seeds = []
    for private in sent:
        request = pb.PlanResourceChange.Request(
            type_name=kind.type_name,
            prior_state=kind.block.write(None),
            config=kind.block.write({"name": "a", "note": "n"}),
            client_capabilities=STORES if stores else None,
            planned_private=private,
        )
        response = rpcs.PlanResourceChange(request, None)
        assert not response.diagnostics
        memory = PrivateState.from_bytes(response.planned_private)
        assert memory.planned_given == {"name", "note"}
        assert not memory.applied().create_seed
        seeds.append(memory.create_seed)
    return seeds


def private(seed: str) -> bytes:
    return f'{{"create_seed": "{seed}"}}'.encode()


def test_each_planned_create_keeps_its_own_seed_until_the_apply() -> None:
    """Also where the second plan comes from the cache, which has one entry for identical resources."""
    fd = os.memfd_create("test")
    first = planned(fd, b"", b"")
    assert len({*first, ""}) == 3
    assert planned(fd, *map(private, reversed(first))) == [*reversed(first)]
    os.close(fd)


def test_the_plan_of_a_replacement_names_the_replaced_object() -> None:
    kind, session = cabinet(), TerraformSession(PACKAGE)
    session.scope = "orders"
    rpcs = ResourceRpcs(session, {kind.type_name: kind})

    def plan(prior: dict[str, Any] | None, **private: bytes) -> PrivateState:
        """The private state of a plan. prior: the state."""
        full = None if prior is None else {**dict.fromkeys(kind.block.types), **prior}
        config = kind.block.write({"name": "b", "note": "n"})
        request = pb.PlanResourceChange.Request(
            type_name=kind.type_name,
            prior_state=kind.block.write(full),
            config=config,
            client_capabilities=STORES,
            **private,
        )
        response = rpcs.PlanResourceChange(request, None)
        assert not response.diagnostics
        private_states.append(response.planned_private)
        return PrivateState.from_bytes(response.planned_private)

    private_states: list[bytes] = []
    assert plan({"id": "c1", "name": "a", "note": "n"}).replaced == "c1"
    first = plan(None, prior_private=private_states[-1])
    assert first.replaced == "c1"
    second = plan(None, planned_private=private_states[-1])
    assert (second.replaced, second.create_seed) == ("c1", first.create_seed)
    assert not second.applied().replaced
    assert session.keys("db", {"name": "b"}, {}, second.create_seed, second.replaced).replaced == "c1"
    assert not plan(None).replaced


def test_an_engine_that_does_not_send_it_gets_none() -> None:
    fd = os.memfd_create("test")
    assert planned(fd, b"", stores=False) == [""]
    os.close(fd)


def test_a_scope_takes_precedence() -> None:
    session = TerraformSession(PACKAGE)
    assert not session.keys("db", {"name": "a"}, {}).deterministic
    of_plan = session.keys("db", {"name": "a"}, {"name": "b"}, "seed")
    assert of_plan.deterministic
    assert not of_plan.may_block, "a run with another plan does not find the object"
    assert of_plan.others == []
    session.scope = "orders"
    assert session.keys("db", {"name": "a"}, {}, "seed").seed == session.keys("db", {"name": "a"}, {}).seed


@pytest.mark.parametrize(
    ("in_state", "of_plan", "taken"),
    [(None, True, False), (None, False, None), (IN_STATE, True, True), (frozenset(), True, False)],
)
def test_a_state_that_cannot_be_read_stops_no_saved_plan(
    in_state: ResourceRefs | None, of_plan: bool, taken: bool | None
) -> None:
    """The engine rejects a saved plan after the state has changed."""
    keys = IdempotencyKeys("db", "seed", OwnershipRegistry(lambda: in_state), of_plan=of_plan)
    assert keys.is_taken_by_other("x") is taken
