"""When an absent object counts as deleted, for an API that does not say whose account a key is of."""

from __future__ import annotations

import time

import pytest

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.gone import AbsentObject, confirm_gone
from resourcekit.idempotency import OwnershipRegistry, ResourceRefs

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
    absent = AbsentObject("pragma", "ComputeInstance", "compute instance", "lost")
    try:
        confirm_gone(absent, lambda: ["there"], ctx)
    except ResourceError as error:
        assert "belongs to another account. The state was not changed" in str(error)
        assert verdict == "refused"
    else:
        assert verdict == ("warned" if warned else "gone")
