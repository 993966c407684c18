"""Protected objects that the state marks as tainted, found when their replacement is planned."""

from __future__ import annotations

from typing import Any

import pytest

from resourcekit.errors import ResourceError
from resourcekit.plugin.engine_cli import EngineCli
from resourcekit.terraform.tainted import TaintedGuard, find_tainted


def instance(id_: str, **more: Any) -> dict[str, Any]:
    return {"attributes": {"id": id_}, **more}


def resource(name: str, *instances: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": "toy_shelf", "name": name, "instances": list(instances), **more}


STATE = {
    "resources": [
        resource("one", instance("1")),
        resource("many", instance("2", index_key=0), instance("3", index_key=1, status="tainted")),
        resource("tainted", instance("6", status="tainted"), instance("7", status="tainted", deposed="d")),
        resource("data", instance("8", status="tainted"), mode="data"),
    ]
}


def test_objects_that_are_tainted() -> None:
    assert set(find_tainted(STATE)) == {"3", "6"}


@pytest.mark.parametrize("state", [None, {}, [], {"resources": None}])
def test_a_state_that_cannot_be_read_tells_nothing(state: Any) -> None:
    assert set(find_tainted(state)) == set()


class Asked(EngineCli):
    """An engine with a state."""

    def run_json(self, *words: str) -> Any:
        assert words == ("state", "pull")
        return STATE


class Failing(EngineCli):
    """An engine that cannot print its state."""

    def run_json(self, *_words: str) -> Any:
        return None


def test_without_a_state_only_a_new_object_like_the_protected_one_is_refused() -> None:
    tainted = TaintedGuard(lambda: Failing("terraform", ("plan",)))
    tainted.record("toy_shelf", "1", "it is protected", {"name": "old"})
    tainted.check_create("toy_shelf", {"name": "new"})
    tainted.check_create("toy_box", {"name": "old"})
    with pytest.raises(ResourceError, match=r"cannot replace: it is protected\. .* `state pull` failed"):
        tainted.check_create("toy_shelf", {"name": "old"})


@pytest.mark.parametrize(
    ("words", "arguments", "refused"),
    [
        (("plan",), {"name": "new"}, True),
        (("plan", "-target=x"), {"name": "old"}, True),
        (("plan", "-target=x"), {"name": "new"}, False),
        (("plan", "-exclude", "x"), {"name": "new"}, False),
        (("plan", "-exclude-file=x"), {"name": "new"}, False),
    ],
)
def test_the_plan_of_a_replacement_is_refused(words: tuple[str, ...], arguments: Any, refused: bool) -> None:
    tainted = TaintedGuard(lambda: Asked("terraform", words))
    tainted.record("toy_shelf", "6", "it is protected", {"name": "old"})
    tainted.check_create("toy_box", arguments)
    if refused:
        with pytest.raises(ResourceError, match="cannot replace: it is protected"):
            tainted.check_create("toy_shelf", arguments)
    else:
        tainted.check_create("toy_shelf", arguments)
    tainted.record("toy_shelf", "6", None, {})
    tainted.check_create("toy_shelf", arguments)
