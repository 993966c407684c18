from __future__ import annotations

import time
from typing import Any

import pytest

from resourcekit.context import Context
from resourcekit.errors import CheckFailure, ResourceError
from resourcekit.lifecycle import Lifecycle
from resourcekit.package import Package
from resourcekit.planning.diff import Change, ChangeKind, Diff
from support.minimal_vendor import Carpentry, Shelf, ShelfArgs, ShelfState


@pytest.fixture
def lifecycle() -> Lifecycle:
    package: Package[Any] = Package("toy", "1.0.0", "Toy", "A toy.", "https://example.com", ShelfArgs, {}, (Shelf(),))
    return Lifecycle(package, package.resources[0])


def context(api: Carpentry) -> Context[Carpentry]:
    return Context(api=api, deadline=time.monotonic() + 5)


def test_a_failure_after_the_checkpoint_keeps_id_and_state(lifecycle: Lifecycle) -> None:
    api = Carpentry()
    api.broken_after_create = True
    outcome = lifecycle.create({"name": "a", "seed": "s", "guarded": True}, context(api))
    assert outcome.id == "s1"
    assert outcome.incomplete_reason == "the glue is not dry"
    assert outcome.state["wood_kind"] == "oak"
    assert outcome.state["seed"] == "s"


def test_a_failure_that_nobody_foresaw_keeps_them_too_and_says_nothing_of_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Clumsy(Shelf):
        def create(self, args: ShelfArgs, ctx: Context[Carpentry]) -> tuple[str, ShelfState]:
            id_, state = super().create(args, ctx)
            raise ValueError(f"hush {id_} {state}")

    package: Package[Any] = Package("toy", "1", "Toy", "A toy.", "", ShelfArgs, {}, (Clumsy(),))
    outcome = Lifecycle(package, package.resources[0]).create({"name": "a"}, context(Carpentry()))
    assert (outcome.id, outcome.state["name"]) == ("s1", "a")
    assert outcome.incomplete_reason == "internal error (ValueError); please report it with the log"
    assert "hush" not in caplog.text


def test_state_keeps_what_the_api_never_reports(lifecycle: Lifecycle) -> None:
    api = Carpentry()
    made = lifecycle.create({"name": "a", "seed": "s", "guarded": True}, context(api))
    read = lifecycle.read("s1", made.state, {"name": "a", "seed": "s", "guarded": True}, context(api))
    assert read is not None
    assert (read.state["seed"], read.state["guarded"]) == ("s", True)
    assert read.inputs == {"name": "a", "seed": "s", "guarded": True}


def test_gone_is_none(lifecycle: Lifecycle) -> None:
    assert lifecycle.read("s9", {}, {}, context(Carpentry())) is None


def test_a_protected_object_is_neither_deleted_nor_replaced(lifecycle: Lifecycle) -> None:
    state = {"name": "a", "shelf_id": "s1", "guarded": True}
    with pytest.raises(ResourceError, match="cannot delete: it is guarded"):
        lifecycle.delete("s1", state, context(Carpentry()))
    with pytest.raises(ResourceError, match="cannot replace"):
        lifecycle.ensure_not_protected(state, "replace")
    lifecycle.ensure_not_protected({**state, "guarded": False}, "replace")


def test_a_state_of_an_older_release_is_still_read(lifecycle: Lifecycle) -> None:
    api = Carpentry()
    api.shelves["s1"] = {"name": "a", "shelf_id": "s1"}
    found = lifecycle.read("s1", {"name": 7}, {"name": "a"}, context(api))
    assert found is not None
    assert found.state["name"] == "a"


def test_what_is_discarded_is_in_no_state(lifecycle: Lifecycle) -> None:
    class Undone(Shelf):
        def create(self, args: ShelfArgs, ctx: Context[Carpentry]) -> tuple[str, ShelfState]:
            super().create(args, ctx)
            ctx.discard_checkpoint()
            raise ResourceError("it was taken apart again")

    with pytest.raises(ResourceError, match="taken apart"):
        Lifecycle(lifecycle.package, Undone()).create({"name": "a"}, context(Carpentry()))


def test_the_account_to_record_comes_with_what_was_done_and_the_context_stays_as_it_is() -> None:
    class Accounted(Package[Any]):
        def account(self, api: Any) -> str | None:
            return "mine"

    own = Lifecycle(Accounted("toy", "1", "Toy", "A toy.", "", ShelfArgs, {}, (Shelf(),)), Shelf())
    ctx = context(Carpentry())
    made = own.create({"name": "a"}, ctx)
    read = own.read("s1", made.state, {"name": "a"}, ctx)
    assert read is not None
    assert (made.account, read.account, ctx.account) == ("mine", "mine", None)


class Worn(Shelf):
    """A shelf that the API may want made anew; counts how often it is looked at."""

    looked = 0

    def replacement_triggers(self, prior: ShelfState, args: Any, ctx: Context[Carpentry]) -> tuple[str, ...]:
        self.looked += 1
        return ("version",)


@pytest.mark.parametrize("is_protected", [False, True])
def test_one_decision_tells_a_change_in_place_from_a_replacement(is_protected: bool) -> None:
    worn, warned = Worn(), list[tuple[str, str]]()
    package: Package[Any] = Package("toy", "1", "Toy", "A toy.", "", ShelfArgs, {}, (worn,))
    own = Lifecycle(package, worn)
    ctx = Context(
        api=Carpentry(),
        deadline=time.monotonic() + 5,
        warn=lambda text, attribute="": warned.append((attribute, text)),
    )
    state = {"name": "a", "shelf_id": "s1", "guarded": is_protected}
    in_place = Diff(
        (Change("name", ("name",), ChangeKind.UPDATE, replaces=False),), warnings=(CheckFailure("seed", "noted"),)
    )
    anew = Diff((Change("wood_kind", ("wood_kind",), ChangeKind.UPDATE, replaces=True),))

    def decide(difference: Diff, ctx: Context[Any] | None, *ignore: str) -> tuple[bool, tuple[str, ...]]:
        plan = own.plan_changes("s1", difference, args={"name": "a"}, state=state, ctx=ctx, ignore=ignore)
        return plan.replaces, plan.replacement_triggers

    assert decide(in_place, None) == (False, ())
    if is_protected:
        for difference in (in_place, anew):
            with pytest.raises(ResourceError, match="cannot replace: it is guarded"):
                decide(difference, ctx)
    else:
        assert decide(in_place, ctx) == (True, ("version",))
        assert decide(anew, ctx) == (True, ())
    assert worn.looked == 1, "nothing is asked where an argument replaces already"
    assert warned == [("seed", "noted")]
    assert decide(in_place, ctx, "version") == (False, ()), "the engine ignores changes of the version"
