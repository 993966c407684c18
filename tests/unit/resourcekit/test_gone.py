"""When an absent object counts as deleted, for an API that does not say whose account a key is of."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Result
from resourcekit.gone import confirm_gone
from resourcekit.idempotency import OwnershipRegistry, ResourceRefs
from resourcekit.list_query import EVERYTHING, ListQuery
from resourcekit.resource import Resource


class ComputeInstance(Resource[Arguments, Result, None]):
    """A resource of which the key may list one object."""

    name = "ComputeInstance"

    def list(self, ctx: Context[None], query: ListQuery = EVERYTHING) -> Iterable[tuple[str, str, Result]]:
        yield "there", "there", Result()


PULUMI, TERRAFORM = "pragma:index:ComputeInstance", "pragma_compute_instance"


@pytest.mark.parametrize(
    ("in_state", "found", "verdict"),
    [
        (None, False, "warned"),
        ([], False, "warned"),
        ([(PULUMI, "lost"), ("pulumi:providers:pragma", "x")], False, "warned"),
        ([("other_compute_instance", "there"), ("pragma:index:Resource", "there")], False, "warned"),
        ([(PULUMI, "lost"), (PULUMI, "there")], False, "gone"),
        ([(TERRAFORM, "lost"), (TERRAFORM, "there"), (TERRAFORM, "hidden")], False, "gone"),
        ([(PULUMI, "lost"), (PULUMI, "hidden")], False, "refused"),
        ([(TERRAFORM, "hidden")], False, "refused"),
        ([(TERRAFORM, "hidden")], True, "gone"),
    ],
)
def test_the_other_objects_of_the_state_decide(in_state: ResourceRefs | None, found: bool, verdict: str) -> None:
    warned: list[str] = []
    ctx = Context(
        api=None,
        deadline=time.monotonic() + 5,
        warn=lambda text, attribute="": warned.append(text),
        ownership=OwnershipRegistry(lambda: in_state),
    )
    if found:
        ctx.ownership.found.add("ComputeInstance")
    try:
        confirm_gone("pragma", ComputeInstance(), "lost", ctx)
    except ResourceError as error:
        assert "belongs to another account. The state was not changed" in str(error)
        assert verdict == "refused"
    else:
        assert verdict == ("warned" if warned else "gone")
