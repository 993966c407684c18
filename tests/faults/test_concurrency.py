"""Several runs and clients at once: nothing is shared, and nothing that one wrote is lost by another."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import httpx

from support.control_plane import ControlPlane, new_key
from support.pulumi import Stack

MANY = 10


def databases(plane: ControlPlane) -> dict[str, dict[str, Any]]:
    with plane.client() as api:
        return {each["uuid"]: each for each in api.get("/databases", params={"limit": 100}).json()["data"]}


def ids(stack: Stack) -> set[str]:
    resources = stack.state()["deployment"]["resources"]
    return {each["id"] for each in resources if each["type"].endswith(":Database")}


def test_two_stacks_at_once_with_the_same_names(
    new_stack: Callable[[str], Stack], plane: ControlPlane, admin: httpx.Client
) -> None:
    """One of them makes one object at a time, the other all at once; a call in ten goes wrong."""
    fault = {"effect": "lost_response", "count": None, "probability": 0.1}
    stacks = {"1": new_stack("one"), "64": new_stack("other")}
    for stack in stacks.values():
        stack.write({f"db{n}": ("Database", {"name": f"same-{n}"}) for n in range(MANY)})
    admin.post("/faults", json=fault).raise_for_status()
    runs = [threading.Thread(target=stack.up, args=["--parallel", number]) for number, stack in stacks.items()]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    admin.delete("/faults").raise_for_status()
    one, other = (ids(stack) for stack in stacks.values())
    assert len(one) == len(other) == MANY
    assert not one & other
    assert one | other == set(databases(plane))
    for stack in stacks.values():
        stack.assert_no_changes()


def test_a_rename_while_others_change_quotas(stack: Stack, plane: ControlPlane, admin: httpx.Client) -> None:
    """The program changes the name and one quota, while a client goes on changing another one."""
    stack.write({"db": ("Database", {"name": "before", "connectionHardLimit": 5})})
    stack.up()
    uuid = stack.resource("db")["id"]
    stack.write({"db": ("Database", {"name": "after", "connectionHardLimit": 6})})
    ended = threading.Event()
    written = []

    def client() -> None:
        with plane.client() as api:
            for percent in itertools.cycle(range(50, 90)):
                body = {"warning_threshold_pct": percent}
                api.patch(f"/databases/{uuid}/quotas", json=body, headers=new_key()).raise_for_status()
                written.append(percent)
                if ended.wait(0.005):
                    return

    other = threading.Thread(target=client)
    other.start()
    try:
        changed = stack.up()
    finally:
        ended.set()
        other.join()
    assert changed.ops == {"db": "update"}
    found = databases(plane)[uuid]
    assert len(written) > 2, "the client wrote while the program's change ran"
    assert (found["name"], found["quotas"]["connection_hard_limit"]) == ("after", 6)
    assert found["quotas"]["warning_threshold_pct"] == written[-1]
    # What the program does not set is nobody's drift.
    stack.refresh()
    stack.assert_no_changes()
