"""Plans that the processes of one command hand on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from resourcekit.terraform import plan_cache
from resourcekit.terraform.plan_cache import PlanCache, plan_key
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.rpc.resource import ResourceRpcs
from resourcekit.terraform.session import TerraformSession
from support.sample_vendor import PACKAGE, cabinet


@pytest.fixture
def fd() -> Iterator[int]:
    fd = os.memfd_create("test")
    yield fd
    os.close(fd)


def begun(fd: int | None, settings: object = "settings") -> PlanCache:
    """A process's own."""
    found = PlanCache(fd)
    found.open(settings)
    return found


def test_the_next_process_takes_what_one_keeps(fd: int) -> None:
    first = begun(fd)
    first.put(b"asked", b"answer")
    assert first.get(b"asked") is None, "two that are alike are both tried by the same plan"
    second = begun(fd)
    assert second.get(b"never") is None
    assert [second.get(b"asked") for _ in range(2)] == [b"answer", b"answer"]
    assert begun(fd).get(b"asked") is None, "not the one after that: it is a plan of its own"


def test_settings_keep_apart(fd: int) -> None:
    """Those of another provider block may lead to another account."""
    begun(fd).put(b"asked", b"answer")
    assert begun(fd, "others").get(b"asked") is None
    assert begun(fd, "others").get(b"asked") is None
    assert begun(fd).get(b"asked") == b"answer"


def test_processes_share_it(fd: int) -> None:
    mine = begun(fd)
    children = []
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            for each in range(50):
                mine.put(f"{number} {each}".encode(), bytes([number]) * each + b"!")
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    after = begun(fd)
    for number in range(4):
        for each in range(50):
            assert after.get(f"{number} {each}".encode()) == bytes([number]) * each + b"!"


@pytest.mark.parametrize("fd", [None, 10_000])
def test_nothing_is_cached_without_a_file(fd: int | None) -> None:
    begun(fd).put(b"asked", b"answer")
    assert begun(fd).get(b"asked") is None


def test_what_was_written_by_half_is_written_over(fd: int) -> None:
    begun(fd).put(b"asked", b"answer")
    os.pwrite(fd, (100).to_bytes(4, "big") + b"killed in the middle", os.fstat(fd).st_size)
    second = begun(fd)
    assert second.get(b"asked") == b"answer"
    second.put(b"asked", b"later")
    assert begun(fd).get(b"asked") == b"later"


def test_the_plan_cache_has_a_maximum_size(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first = begun(fd)
    monkeypatch.setattr(plan_cache, "_MOST_BYTES", os.fstat(fd).st_size)
    first.put(b"asked", b"answer")
    assert begun(fd).get(b"asked") is None


def test_what_changes_with_others_is_planned_anew(fd: int) -> None:
    """A run of `terraform test` may plan what the next one does not."""
    prior = {"id": "7", "name": "a", "number": 7, "status": "ready"}

    def replaced(drift: tuple[str, ...]) -> list[str]:
        session, kind = TerraformSession(PACKAGE), cabinet(drift)
        session.api, session.plan_cache = object(), begun(fd)
        request = pb.PlanResourceChange.Request(
            type_name=kind.type_name,
            prior_state=kind.block.write(prior),
            config=kind.block.write({"name": "a", "note": "n"}),
        )
        answer = ResourceRpcs(session, {kind.type_name: kind}).PlanResourceChange(request, None)
        assert not answer.diagnostics
        return [path.steps[0].attribute_name for path in answer.requires_replace]

    assert replaced(("number",)) == ["number"]
    assert replaced(()) == []
    assert replaced(("number",)) == ["number"]


@pytest.mark.parametrize("prior", [None, {"id": "7", "name": "a", "number": 7, "status": "ready"}])
def test_a_plan_leaves_its_request_as_it_came(fd: int, prior: dict[str, object] | None) -> None:
    """The next process finds the plan although the engine sends it with other capabilities and another proposal."""
    kind = cabinet()
    before = {"prior_private": b'{"given": ["note"], "account": "mine"}'}
    request = pb.PlanResourceChange.Request(
        type_name=kind.type_name,
        prior_state=kind.block.write(prior),
        config=kind.block.write({"name": "a", "note": "n"}),
        proposed_new_state=kind.block.write({"name": "a"}),
        client_capabilities=pb.ClientCapabilities(deferral_allowed=True),
        **before,
    )
    sent = request.SerializeToString(deterministic=True)
    answers = []
    for _ in range(2):
        session = TerraformSession(PACKAGE)
        session.api, session.plan_cache = object(), begun(fd)
        rpcs = ResourceRpcs(session, {kind.type_name: kind})
        answers.append(rpcs.PlanResourceChange(request, None).SerializeToString(deterministic=True))
        assert request.SerializeToString(deterministic=True) == sent
    assert answers[0] == answers[1]
    changed = pb.PlanResourceChange.Request.FromString(sent)
    changed.ClearField("proposed_new_state")
    changed.ClearField("client_capabilities")
    is_create = prior is None
    assert plan_key(request, is_create=is_create) == plan_key(changed, is_create=is_create)
    changed.ClearField("prior_private")
    assert (plan_key(request, is_create=is_create) == plan_key(changed, is_create=is_create)) is is_create
