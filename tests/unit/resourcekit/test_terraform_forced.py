"""Replacements that the engine forces on a protected object, found by its state and command line."""

from __future__ import annotations

from typing import Any

import pytest

from resourcekit.engine_program import Engine
from resourcekit.errors import ResourceError
from resourcekit.terraform.forced import Forced, forced_in


def instance(id_: str, **more: Any) -> dict[str, Any]:
    return {"attributes": {"id": id_}, **more}


def resource(name: str, *instances: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": "toy_shelf", "name": name, "instances": list(instances), **more}


STATE = {
    "resources": [
        resource("one", instance("1")),
        resource("many", instance("2", index_key=0), instance("3", index_key=1)),
        resource("each", instance("4", index_key="a b"), instance("5", index_key='"'), module='module.m["x"]'),
        resource("tainted", instance("6", status="tainted"), instance("7", status="tainted", deposed="d")),
        resource("data", instance("8", status="tainted"), mode="data"),
    ]
}


@pytest.mark.parametrize(
    ("addresses", "found"),
    [
        ([], set()),
        (["toy_shelf.one"], {"1"}),
        (["toy_shelf.many[1]"], {"3"}),
        (["toy_shelf.many"], set()),
        (['module.m["x"].toy_shelf.each["a b"]', r'module.m["x"].toy_shelf.each["\""]'], {"4", "5"}),
    ],
)
def test_objects_that_are_replaced_by_name_or_tainted(addresses: list[str], found: set[str]) -> None:
    assert set(forced_in(STATE, addresses)) == {"6", *found}


@pytest.mark.parametrize("state", [None, {}, [], {"resources": None}])
def test_a_state_that_cannot_be_read_tells_nothing(state: Any) -> None:
    assert set(forced_in(state, ["toy_shelf.one"])) == set()


class Asked(Engine):
    """An engine with a state."""

    def ask(self, *words: str) -> Any:
        assert words == ("state", "pull")
        return STATE


@pytest.mark.parametrize(
    ("words", "arguments", "refused"),
    [
        (("plan", "-replace=toy_shelf.one"), {"name": "new"}, True),
        (("plan",), {"name": "old"}, False),
        (("plan", "-replace=toy_shelf.one", "-target=x"), {"name": "old"}, True),
        (("plan", "-replace=toy_shelf.one", "-target=x"), {"name": "new"}, False),
    ],
)
def test_the_plan_of_a_replacement_is_refused(words: tuple[str, ...], arguments: Any, refused: bool) -> None:
    forced = Forced(lambda: Asked("terraform", words))
    forced.note("toy_shelf", "1", "it is protected", {"name": "old"})
    forced.refuse("toy_box", arguments)
    if refused:
        with pytest.raises(ResourceError, match="cannot replace: it is protected"):
            forced.refuse("toy_shelf", arguments)
    else:
        forced.refuse("toy_shelf", arguments)
    forced.note("toy_shelf", "1", None, {})
    forced.refuse("toy_shelf", arguments)
