"""What Terraform adds to a declaration: write-only twins, their versions, and `timeouts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from resourcekit.context import Context
from resourcekit.declaration import Timeouts
from resourcekit.errors import CheckError, ResourceError
from resourcekit.lifecycle import Lifecycle
from resourcekit.terraform import new_state, timeouts
from resourcekit.terraform.cty.msgpack import WIRE_UNKNOWN, wire_contains_unknown
from resourcekit.terraform.plan import diff_config, plan
from resourcekit.terraform.planned_state import merge_prior_spelling
from resourcekit.terraform.private_state import PrivateState
from resourcekit.terraform.resource_type import ResourceType
from support.sample_vendor import PACKAGE, Cabinet, CabinetState, cabinet, context

KIND = cabinet()
NOTHING = PrivateState()
HUSH = [b'["object",{"a":"string"}]', {"a": "hush"}]


def config(**given: Any) -> dict[str, Any]:
    return {**dict.fromkeys(KIND.block.types), "name": "a", **given}


def state(**found: Any) -> dict[str, Any]:
    chosen = {"id": "7", "number": 7, "status": "ready", "tag_count": 0, "pin": "1234", "wood": "oak", "height": 2}
    return config(**{**chosen, **found})


def test_the_api_is_given_what_is_written_only() -> None:
    given = config(recipe_wo=HUSH, recipe_wo_version=1, seed_wo="hush")
    assert (KIND.config_arguments(given)["recipe"], KIND.config_arguments(given)["seed"]) == ({"a": "hush"}, "hush")
    assert KIND.write_only_arguments(given) == {"recipe", "seed"}
    assert sorted(KIND.secrets(given)) == ["hush", "hush"]


def test_a_value_moves_from_the_state_into_its_twin_without_a_new_object() -> None:
    prior = state(recipe=HUSH, seed="hush")
    given = config(recipe_wo=HUSH, seed_wo="hush")
    made = plan(KIND, prior, given, NOTHING, context())
    assert made.replaces == ()
    assert made.planned == {**prior, "recipe": None, "seed": None}, "out of the state; nothing for the API to do"
    assert diff_config(KIND, prior, given, NOTHING).changed == frozenset()
    with pytest.raises(CheckError, match="Use a Sower"):
        plan(KIND, state(seed="hush"), config(seed="other"), NOTHING, context())
    assert plan(KIND, state(seed="hush"), config(), NOTHING, context()).planned == state(), "taken out: no refusal"


def test_a_first_version_begins_to_count_beside_the_value_that_is_there() -> None:
    """To take it for a change would run the SQL of an imported application once more."""
    given = config(recipe_wo=HUSH, recipe_wo_version=1)
    open_, written = PrivateState(frozenset({"name", "recipe"})), PrivateState(frozenset({"name", "recipe_wo"}))
    for prior, memory in (
        (state(), NOTHING),  # imported, the value withheld
        (state(recipe=HUSH), NOTHING),  # imported with it
        (state(recipe=HUSH), open_),  # moved out of the open
        (state(), written),  # written only so far, without a version
    ):
        made = plan(KIND, prior, given, memory, context())
        assert (made.replaces, made.planned) == ((), state(recipe_wo_version=1))
        assert "recipe_wo" in made.configured
    other = config(recipe_wo=[HUSH[0], {"a": "other"}], recipe_wo_version=1)
    assert plan(KIND, state(recipe=HUSH), other, NOTHING, context()).replaces == (), "who knows what was meant"
    assert plan(KIND, state(recipe=HUSH), other, open_, context()).replaces == ("recipe",), "it was said in the open"
    unknown = config(recipe_wo=WIRE_UNKNOWN, recipe_wo_version=1)
    assert plan(KIND, state(recipe=HUSH), unknown, open_, context()).replaces == (), (
        "its version tells, once it has one"
    )
    none_before = PrivateState(frozenset({"name"}))
    assert plan(KIND, state(), given, none_before, context()).replaces == ("recipe_wo_version",), "there was no value"


def test_a_new_version_stands_for_a_new_value() -> None:
    prior = state(recipe_wo_version=1)
    same = plan(KIND, prior, config(recipe_wo=[HUSH[0], {"a": "other"}], recipe_wo_version=1), NOTHING, context())
    assert same.planned == prior, "Terraform could not see it either"
    unknown = plan(KIND, prior, config(recipe_wo=HUSH, recipe_wo_version=WIRE_UNKNOWN), NOTHING, context())
    assert (unknown.replaces, unknown.planned["recipe_wo_version"]) == (("recipe_wo_version",), WIRE_UNKNOWN)
    seeded = plan(KIND, state(), config(seed_wo="hush", seed_wo_version=1), NOTHING, context())
    assert (seeded.replaces, seeded.planned["seed_wo_version"]) == ((), 1), "the first version is a note, no change"


@pytest.mark.parametrize("value", [WIRE_UNKNOWN, [HUSH[0], {"a": WIRE_UNKNOWN}]])
def test_a_write_only_value_may_be_unknown(value: Any) -> None:
    made = plan(KIND, None, config(recipe_wo=value), NOTHING, context())
    assert (made.planned["recipe"], made.planned["recipe_wo"]) == (None, None)


def test_timeouts_are_terraforms_own() -> None:
    hour, minute = ({"create": each, "update": None, "delete": None} for each in ("1h", "1m"))
    assert plan(KIND, None, config(timeouts=hour), NOTHING, context()).planned["timeouts"] == hour
    for prior, wanted in ((hour, minute), (hour, None), (None, hour)):
        made = plan(KIND, state(timeouts=prior), config(timeouts=wanted), NOTHING, context())
        assert made.planned == state(timeouts=wanted), "nothing else moves"
        assert diff_config(KIND, state(timeouts=prior), config(timeouts=wanted), NOTHING).changed == frozenset()
    kept = new_state.state_after_read(KIND, "7", KIND.state(state()), state(timeouts=hour))
    assert kept["timeouts"] == hour
    assert KIND.timeout_seconds(state(timeouts=hour), "create") == 3600
    assert KIND.timeout_seconds(state(timeouts=hour), "delete") == KIND.resource.timeouts.delete
    assert KIND.timeout_seconds(None, "create") == KIND.resource.timeouts.create
    unknown = {"create": WIRE_UNKNOWN, "update": None, "delete": None}
    assert plan(KIND, None, config(timeouts=unknown), NOTHING, context()).planned["timeouts"] == unknown


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("1.5h", 5400), ("250ms", 0.25)])
def test_durations(text: str, seconds: float) -> None:
    assert timeouts.parse_duration(text) == seconds
    assert timeouts.timeout_seconds({"create": text}, "create", Timeouts()) == seconds


@pytest.mark.parametrize("text", ["", "0s", "-1m", "10", "m", "1 h", "1h ", "1d", "1h30", "٣s", "1e3s", "1m\n"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration above zero"):
        timeouts.parse_duration(text)


# Planning without the API, and destroying


def test_plans_while_the_api_cannot_be_reached() -> None:
    drifting = cabinet(drift=("number",))
    assert plan(drifting, state(), config(), NOTHING, None).planned == state(), "drift is asked for later"
    made = plan(drifting, state(), config(name="b", wood=WIRE_UNKNOWN), NOTHING, None)
    assert (made.replaces, made.planned["wood"]) == (("wood",), WIRE_UNKNOWN)
    assert wire_contains_unknown(plan(drifting, None, config(), NOTHING, None).planned["number"])


def test_a_replacement_asks_the_api_once_as_a_create() -> None:
    """The engine plans it twice: with the state, then without."""
    asked: list[Any] = []

    class Asking(Cabinet):
        def preview(
            self, args: Mapping[str, Any], prior: CabinetState | None, changed: frozenset[str], ctx: Context[None]
        ) -> dict[str, Any]:
            asked.append((prior and prior.wood, sorted(changed)))
            return {"status": "foretold"}

    kind = ResourceType("carpentry_cabinet", Lifecycle(PACKAGE, Asking()))
    assert plan(kind, state(), config(), NOTHING, context()).planned == state(), "nothing changes: nothing to ask"
    assert plan(kind, state(), config(name="b"), NOTHING, context()).planned["status"] == "foretold"
    assert asked == [("oak", ["name"])]
    assert wire_contains_unknown(plan(kind, state(), config(wood="ash"), NOTHING, context()).planned["status"])
    assert asked == [("oak", ["name"])]
    assert plan(kind, None, config(wood="ash"), NOTHING, context()).planned["status"] == "foretold"
    assert asked[1:] == [(None, [])]


@pytest.mark.parametrize(
    ("given", "blended"),
    [
        (None, None),
        (WIRE_UNKNOWN, WIRE_UNKNOWN),
        ({}, {}),
        ({"d": {"wood": None, "depth": None}}, {"d": {"wood": "pine", "depth": None}}),
        ({"d": {"wood": None, "depth": "0.10"}}, {"d": {"wood": "pine", "depth": "0.1"}}),
        ({"d": {"wood": WIRE_UNKNOWN, "depth": 1}}, {"d": {"wood": WIRE_UNKNOWN, "depth": 1}}),
        ({"e": {"wood": None, "depth": 1}}, {"e": {"wood": None, "depth": 1}}),
    ],
)
def test_of_two_spellings_the_one_in_the_state_stands(given: Any, blended: Any) -> None:
    (drawers,) = (each for each in KIND.block.attributes if each.name == "drawers")
    assert merge_prior_spelling(drawers, {"d": {"wood": "pine", "depth": "0.1"}}, given) == blended
    assert merge_prior_spelling(drawers, None, given) == given


def test_what_is_guarded_is_not_destroyed() -> None:
    KIND.lifecycle.ensure_not_protected(KIND.state(state()), "destroy")
    with pytest.raises(ResourceError, match="cannot destroy: it is guarded"):
        KIND.lifecycle.ensure_not_protected(KIND.state(state(guarded=True)), "destroy")
    with pytest.raises(ResourceError, match="cannot replace: it is guarded"):
        plan(cabinet(drift=("number",)), state(guarded=True), config(guarded=True), NOTHING, context())


# Private state


@pytest.mark.parametrize(
    "private", [b"", b"{", b"[]", b"null", b"5", b'{"given": 5}', b'{"given": null}', b"\xff", b"[" * 100_000]
)
def test_private_state_that_is_not_ours_remembers_nothing(private: bytes) -> None:
    assert PrivateState.from_bytes(private) == PrivateState.from_bytes(private).applied() == PrivateState()


def test_memory_goes_from_plan_to_apply() -> None:
    before = PrivateState(frozenset({"wood"}))
    assert PrivateState.from_bytes(before.to_bytes()) == before
    carried = before.to_planned_bytes(frozenset({"height"}))
    assert (PrivateState.from_bytes(carried), PrivateState.from_bytes(carried).applied()) == (
        before,
        PrivateState(frozenset({"height"})),
    )
