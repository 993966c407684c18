"""Numbers with more digits than a double: Terraform keeps them all, the API gets what JSON can hold."""

from __future__ import annotations

import json
from typing import Any

from resourcekit.terraform import plans, states
from resourcekit.terraform.memory import Memory
from support.cabinet import cabinet, context

KIND = cabinet()
LONG = "0.12345678901234567890"
RECIPE: Any = [b'["object",{"a":["tuple",["number"]]}]', {"a": [LONG]}]


def config(**given: Any) -> dict[str, Any]:
    return {**dict.fromkeys(KIND.block.types), "name": "a", **given}


def test_arguments_are_what_json_can_hold() -> None:
    args = plans.checked(KIND, config(recipe=RECIPE, height=LONG))
    assert json.loads(json.dumps(args)) == args
    assert (args["recipe"], args["height"]) == ({"a": [float(LONG)]}, float(LONG))


def test_the_digits_of_the_program_stay_in_plan_and_state() -> None:
    given = config(recipe=RECIPE, height=LONG)
    made = plans.plan(KIND, None, given, Memory(), context())
    assert (made.planned["recipe"], made.planned["height"]) == (RECIPE, LONG)
    found = {**KIND.state(given), "recipe": {"a": [float(LONG)]}, "height": float(LONG), "number": 1}
    kept = states.after_change(KIND, "7", found, made.planned, print)
    assert (kept["recipe"], kept["height"]) == (RECIPE, LONG)
    read = states.after_read(KIND, "7", found, kept)
    assert read == kept, "the API's double is no drift"
    again = plans.plan(KIND, read, given, Memory(made.given), context())
    assert (again.planned, again.replaces) == (read, ())
