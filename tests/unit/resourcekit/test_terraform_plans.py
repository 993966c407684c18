"""Plans and states as Terraform demands them, on a small vendor."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resourcekit.errors import CheckError, ResourceError
from resourcekit.terraform import new_state
from resourcekit.terraform.cty.msgpack import WIRE_UNKNOWN, pack, unpack, wire_contains_unknown
from resourcekit.terraform.plan import ResourcePlan, diff_config, plan
from resourcekit.terraform.private_state import PrivateState
from resourcekit.terraform.resource_type import ResourceType
from support.sample_vendor import cabinet, context

KIND = cabinet()
COMPUTED = {attribute.name for attribute in KIND.block.attributes if attribute.computed}


def config(**given: Any) -> dict[str, Any]:
    return {**dict.fromkeys(KIND.block.types), "name": "a", **given}


def state(**found: Any) -> dict[str, Any]:
    """What stands after an apply of `config(**found)`, the API's own choices filled in."""
    chosen = {"id": "7", "number": 7, "status": "ready", "tag_count": 0, "pin": "1234", "wood": "oak", "height": 2}
    return config(**{**chosen, **found})


def planned(
    prior: dict[str, Any] | None, wanted: dict[str, Any], *remembered: str, kind: ResourceType = KIND
) -> ResourcePlan:
    return plan(kind, prior, wanted, PrivateState(frozenset(remembered)), context())


def test_a_create() -> None:
    made = planned(None, config(tags=["x"], seed="s"))
    unknown = {name for name, value in made.planned.items() if wire_contains_unknown(value)}
    assert unknown == {"id", "wood", "height", "number", "status", "tag_count", "pin"}
    assert (made.planned["tags"], made.planned["note"]) == (["x"], None)
    assert made.configured == {"name", "tags", "seed"}
    assert set(made.planned) == set(KIND.block.types), "one attribute left out would lose the whole state"


def test_nothing_to_change() -> None:
    prior = state(tags=["x", "y"], drawers={"d": {"wood": "pine", "depth": "0.1"}})
    same = config(tags=["y", "x", "x"], drawers={"d": {"wood": None, "depth": "0.10"}})
    assert planned(prior, same).planned == prior
    for nothing in (None, []):
        spelled = planned(state(tags=nothing), config(tags=[])).planned["tags"]
        assert (planned(state(tags=nothing), config()).planned["tags"], spelled) == (nothing, []), "may be left out"


@pytest.mark.parametrize(
    ("change", "unknown", "replaces"),
    [
        ({"name": "b"}, {"status"}, ()),
        ({"note": "n"}, {"status"}, ()),
        ({"height": "0.5"}, {"status"}, ()),
        ({"tags": ["x"]}, {"status", "tag_count"}, ()),
        ({"drawers": {"d": {"wood": None, "depth": 1}}}, {"status"}, ()),
        ({"guarded": True}, set(), ()),
        ({"wood": "ash"}, {"status"}, ("wood",)),
        ({"recipe": [b'["object",{"a":"number"}]', {"a": 1}]}, {"status"}, ("recipe",)),
        ({"recipe_wo_version": 1}, set(), ()),
        ({"wood": WIRE_UNKNOWN}, {"status", "wood"}, ("wood",)),
        ({"name": WIRE_UNKNOWN}, {"status", "name"}, ()),
    ],
)
def test_changes(change: dict[str, Any], unknown: set[str], replaces: tuple[str, ...]) -> None:
    made = planned(state(), config(**change))
    assert {name for name, value in made.planned.items() if wire_contains_unknown(value)} == unknown
    assert made.replaces == replaces
    for name, value in change.items():
        assert made.planned[name] == value, "exactly as the program gives it"


def test_what_the_api_chose_stays_and_what_the_program_set_goes() -> None:
    assert planned(state(), config()).planned["height"] == 2
    assert wire_contains_unknown(planned(state(), config(), "height").planned["height"]), (
        "remembered: taken out of the program"
    )
    assert planned(state(), config(), "wood").planned["wood"] == "oak", "not clearable: kept"
    assert planned(state(note="n"), config()).planned["note"] is None


def test_write_only_values_are_in_no_plan() -> None:
    given_so = config(recipe_wo=[b'["object",{"a":"string"}]', {"a": "secret"}], recipe_wo_version=1, seed_wo="hush")
    made = planned(None, given_so)
    assert "secret" not in str(made.planned)
    assert "hush" not in str(made.planned)
    assert (made.planned["recipe"], made.planned["recipe_wo"], made.planned["recipe_wo_version"]) == (None, None, 1)
    kept = new_state.state_after_apply(
        KIND, "7", _found(recipe={"a": "secret"}, seed="hush"), made.planned, pytest.fail
    )
    assert "secret" not in str(kept)
    assert "hush" not in str(kept)
    assert planned(state(recipe_wo_version=1), given_so).planned == state(recipe_wo_version=1)
    with pytest.raises(CheckError, match="not both"):
        planned(None, config(seed="a", seed_wo="b"))


def test_what_acts_at_creation_only() -> None:
    for change in ({"seed": "other"}, {"seed_wo_version": 2}):
        with pytest.raises(CheckError, match="Use a Sower"):
            planned(state(seed="s", seed_wo_version=1), config(**{"seed": "s", "seed_wo_version": 1, **change}))
    assert planned(state(seed="s"), config(seed="other", wood="ash")).replaces == ("wood",), "made anew, with it"


def test_protection() -> None:
    with pytest.raises(ResourceError, match="cannot replace: it is guarded"):
        planned(state(guarded=True), config(guarded=True, wood="ash"))
    assert planned(state(guarded=True), config(guarded=True, name="b")).replaces == ()


def test_drift_that_the_api_tells() -> None:
    made = planned(state(), config(), kind=cabinet(drift=("number",)))
    assert made.replaces == ("number",)
    assert wire_contains_unknown(made.planned["number"])


def test_what_is_unfinished_is_planned_to_be_waited_for() -> None:
    made = planned(state(status="glueing", pin=None), config())
    assert {name for name, value in made.planned.items() if wire_contains_unknown(value)} == {
        "status",
        "pin",
        "tag_count",
    }
    assert made.replaces == ()


def test_all_errors_are_reported_together() -> None:
    with pytest.raises(CheckError) as failure:
        planned(None, config(name="Upper", height=-1, timeouts={"create": "soon", "update": None, "delete": "0s"}))
    told = {each.property for each in failure.value.failures}
    assert told == {"name", "height", "timeouts.create", "timeouts.delete"}


def _found(**values: Any) -> dict[str, Any]:
    """What a lifecycle returns: the declared state, plain."""
    return {**KIND.state(state()), **values}


def test_after_a_change_the_plan_holds() -> None:
    made = planned(None, config(tags=["x", "y"], height="0.10"))
    kept = new_state.state_after_apply(
        KIND, "9", _found(tags=["y", "x"], height=0.1, name="other", wood="ash"), made.planned, pytest.fail
    )
    assert (kept["id"], kept["wood"], kept["tags"], kept["height"], kept["name"]) == (
        "9",
        "ash",
        ["x", "y"],
        "0.10",
        "a",
    )
    assert not wire_contains_unknown(kept)


def test_a_value_that_cannot_be_encoded_is_null_with_a_warning() -> None:
    told: list[str] = []

    def warn(_text: str, attribute: str = "") -> None:
        told.append(attribute)

    found = _found(height=float("nan"), wood="half a \ud800", status="ready", pin=object())
    kept = new_state.state_after_apply(KIND, "9", found, planned(None, config()).planned, warn)
    assert (kept["id"], kept["name"], kept["status"]) == ("9", "a", "ready")
    assert (kept["height"], kept["wood"], kept["pin"]) == (None, None, None)
    assert told == ["wood", "height", "pin"]
    barely = new_state.minimal_state("9", planned(None, config(tags=["x"])).planned)
    assert (barely["id"], barely["tags"], barely["wood"]) == ("9", ["x"], None)
    assert not wire_contains_unknown(barely)


def test_after_a_read_drift_shows_and_spelling_stays() -> None:
    prior = state(tags=["x", "y"], height="0.10", seed="s", guarded=True)
    same = new_state.state_after_read(KIND, "7", _found(tags=["y", "x"], height=0.1, seed="s", guarded=True), prior)
    assert same == prior
    drifted = new_state.state_after_read(
        KIND, "7", _found(tags=["z"], height=3, name="b", seed="s", guarded=True), prior
    )
    assert (drifted["tags"], drifted["height"], drifted["name"]) == (["z"], 3, "b")
    imported = new_state.state_after_read(KIND, "7", _found(tags=[], drawers={}), KIND.import_stub("7"))
    assert (imported["tags"], imported["drawers"], imported["name"], imported["pin"]) == ([], {}, "a", "1234")
    for way in (config(), config(tags=[], drawers={}, recipe=[b'["object",{}]', {}])):
        assert planned(imported, way).planned == imported, "what means nothing may be spelled or left out"
    withheld = new_state.state_after_read(KIND, "7", _found(recipe={"a": "hush"}), KIND.import_stub("7"), {"recipe"})
    assert withheld["recipe"] is None
    assert planned(withheld, config(recipe_wo=[b'["object",{"a":"string"}]', {"a": "hush"}])).planned == withheld


WIRE_TEXT = st.one_of(st.none(), st.just(WIRE_UNKNOWN), st.sampled_from(["a", "b"]))
CONFIGS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", WIRE_UNKNOWN]),
        "wood": WIRE_TEXT,
        "note": WIRE_TEXT,
        "height": st.one_of(st.none(), st.just(WIRE_UNKNOWN), st.sampled_from([2, "0.5"])),
        "tags": st.one_of(
            st.none(), st.just(WIRE_UNKNOWN), st.lists(st.sampled_from(["x", "y", WIRE_UNKNOWN]), max_size=2)
        ),
        "drawers": st.one_of(
            st.none(),
            st.dictionaries(
                st.sampled_from(["d", "e"]),
                st.fixed_dictionaries({"wood": WIRE_TEXT, "depth": st.sampled_from([None, 1, "0.1", WIRE_UNKNOWN])}),
            ),
        ),
    }
)  # fmt: skip


@given(prior=st.one_of(st.none(), CONFIGS), wanted=CONFIGS, remembered=st.sets(st.sampled_from(["wood", "height"])))
def test_terraform_accepts_any_plan(prior: dict[str, Any] | None, wanted: dict[str, Any], remembered: set[str]) -> None:
    """The engine's own rules: what the program gives stands as given or, where it means the same, as it stood; nothing
    known stands where the program's value is unknown; nothing unknown is left after the apply.
    """
    before = (
        None
        if prior is None or wire_contains_unknown(prior)
        else state(**{k: v for k, v in prior.items() if v is not None})
    )
    given_ = config(**wanted)
    made = planned(before, given_, *remembered)
    for name, value in wanted.items():
        outcome = made.planned[name]
        if value is None:
            assert outcome is None or name in COMPUTED, name
        elif wire_contains_unknown(value):
            assert outcome == value, name
        else:
            assert outcome == value or (before is not None and _allowed(outcome, before[name], value)), name
    if before is not None:
        again = diff_config(KIND, before, given_, PrivateState(frozenset(remembered)))
        assert bool(again.changed) == wire_contains_unknown(made.planned["status"]), "status moves with every change"
    kept = new_state.state_after_apply(KIND, "7", _found(), made.planned, pytest.fail)
    assert not wire_contains_unknown(kept)
    assert {k for k, v in made.planned.items() if not wire_contains_unknown(v) and kept[k] != v} == set(), (
        "known is known"
    )
    assert unpack(pack(kept)) == kept


def _allowed(outcome: Any, before: Any, value: Any) -> bool:
    """The prior value in place of the program's, at any depth; where the program is silent, what is computed."""
    if isinstance(outcome, dict) and isinstance(value, dict):
        return all(
            _allowed(outcome[key], (before or {}).get(key), value[key]) for key in outcome if outcome[key] != value[key]
        )
    return outcome == before
