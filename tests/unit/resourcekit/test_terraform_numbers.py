"""Numbers with more digits than a double: Terraform keeps them all, the API gets what JSON can hold.

In a free-form value nothing declares them doubles, so the plan refuses them before they are rounded.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from resourcekit.errors import CheckError
from resourcekit.terraform import new_state, plan
from resourcekit.terraform.private_state import PrivateState
from support.sample_vendor import cabinet, context

KIND = cabinet()
LONG = "0.12345678901234567890"
RECIPE: Any = [b'["object",{"a":["tuple",["number"]]}]', {"a": [LONG]}]


def config(**given: Any) -> dict[str, Any]:
    return {**dict.fromkeys(KIND.block.types), "name": "a", **given}


def test_arguments_are_what_json_can_hold() -> None:
    args = plan.validated_arguments(KIND, config(recipe=RECIPE, height=LONG))
    assert json.loads(json.dumps(args)) == args
    assert (args["recipe"], args["height"]) == ({"a": [float(LONG)]}, float(LONG))


def test_the_digits_of_the_program_stay_in_plan_and_state() -> None:
    given = config(height=LONG)
    made = plan.plan(KIND, None, given, PrivateState(), context())
    assert made.planned["height"] == LONG
    found = {**KIND.state(given), "height": float(LONG), "number": 1}
    kept = new_state.state_after_apply(KIND, "7", found, made.planned, print)
    assert kept["height"] == LONG
    read = new_state.state_after_read(KIND, "7", found, kept)
    assert read == kept, "the API's double is no drift"
    again = plan.plan(KIND, read, given, PrivateState(made.configured), context())
    assert (again.planned, again.replaces) == (read, ())


@pytest.mark.parametrize("name", ["recipe", "recipe_wo"])
def test_a_plan_refuses_to_round_a_number_in_a_free_form_value(name: str) -> None:
    with pytest.raises(CheckError) as refused:
        plan.plan(KIND, None, config(**{name: RECIPE}), PrivateState(), context())
    (failure,) = refused.value.failures
    assert failure.property == f"{name}.a.0"
    assert "give it as a string" in failure.reason
    assert LONG not in failure.reason, "it may be a secret"


def test_what_an_earlier_release_rounded_is_no_reason_to_refuse_a_plan() -> None:
    given = config(recipe=RECIPE)
    state = {**given, "id": "7", "number": 1, "wood": "oak"}
    planned = plan.plan(KIND, state, given, PrivateState(frozenset({"name", "recipe"})), context())
    assert (planned.planned["recipe"], planned.replaces) == (RECIPE, ())
