"""Pragma's reference server: the lifecycle by a worker that can fail, frozen resources, uploads, statuses, kill -9."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from support.control_plane import NO_SCOPE_KEY, OTHER_KEY, ControlPlane, wait_until
from support.naming import unique


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", "--vendor", "pragma") as plane:
        yield plane


@pytest.fixture
def pragma(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.vendor("pragma") as client, plane.admin() as admin:
        yield client
        admin.delete("/faults").raise_for_status()


def body(name: str, **fields: Any) -> dict[str, Any]:
    return {"provider": "postgres", "resource": "database", "name": name, "config": {"version": "16"}, **fields}


def path(name: str) -> str:
    return f"/resources/{quote(f'resource:postgres_database_{name}', safe='')}"


def applied(client: httpx.Client, name: str, **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/resources/apply", json=body(name, **fields)).raise_for_status().json()
    return answer


def processed(client: httpx.Client, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(path(name)).raise_for_status().json()
        return found if found["lifecycle_state"] in ("ready", "failed") else None

    found: dict[str, Any] = wait_until(look)
    return found


def rule(plane: ControlPlane, **fields: Any) -> None:
    with plane.admin() as admin:
        admin.post("/faults", json={"operation": "pragmaProcess", **fields}).raise_for_status()


def test_a_draft_is_stored_and_a_committed_resource_is_processed(pragma: httpx.Client) -> None:
    name = unique("db")
    created = pragma.post("/resources/apply", json=body(name, tags=["a", "b"]))
    assert created.status_code == 201
    draft = created.json()
    assert (draft["lifecycle_state"], draft["outputs"], draft["tags"]) == ("draft", {}, ["a", "b"])
    assert applied(pragma, name, config={"version": "17"})["lifecycle_state"] == "draft"
    assert applied(pragma, name, lifecycle_state="pending")["lifecycle_state"] == "pending"
    ready = processed(pragma, name)
    assert ready["lifecycle_state"] == "ready"
    assert ready["outputs"]["endpoint"] == f"{name}.postgres.localhost"
    assert ready["tags"] == [], "an apply replaces everything"
    assert pragma.delete(path(name)).status_code == 204
    assert pragma.get(path(name)).status_code == 404
    assert pragma.delete(path(name)).status_code == 404


def test_a_failure_is_recorded_and_a_dead_letter_and_can_be_committed_again(
    plane: ControlPlane, pragma: httpx.Client
) -> None:
    name = unique("db")
    rule(plane, effect="status", status=500)
    applied(pragma, name, lifecycle_state="pending")
    failed = processed(pragma, name)
    assert (failed["lifecycle_state"], failed["outputs"]) == ("failed", {})
    assert failed["error"] == "This failure was injected by a fault rule."
    letters = pragma.get("/ops/dead-letter", params={"provider": "postgres"}).raise_for_status().json()
    (letter,) = [each for each in letters if each["resource_name"] == name]
    assert letter["error_message"] == failed["error"]
    assert letter["event_id"].startswith("evt_")
    assert pragma.get("/ops/dead-letter", params={"provider": "other"}).json() == []
    applied(pragma, name, lifecycle_state="pending")
    assert processed(pragma, name)["lifecycle_state"] == "ready"


def test_a_resource_is_frozen_while_it_is_processed(plane: ControlPlane, pragma: httpx.Client) -> None:
    name = unique("db")
    rule(plane, effect="latency", seconds=3)
    applied(pragma, name, lifecycle_state="pending")
    for refused in (pragma.post("/resources/apply", json=body(name)), pragma.delete(path(name))):
        assert refused.status_code == 409
        assert refused.json() == {"detail": "Resource is currently being processed and cannot be modified"}
    assert processed(pragma, name)["lifecycle_state"] == "ready"


def test_lists_are_arrays_and_filtered(pragma: httpx.Client) -> None:
    one, two = unique("db"), unique("db")
    applied(pragma, one, tags=["red", "big"])
    applied(pragma, two, tags=["red"])

    def names(*filters: tuple[str, str]) -> set[str]:
        found = pragma.get("/resources/", params=list(filters)).raise_for_status().json()
        assert isinstance(found, list)
        return {each["name"] for each in found} & {one, two}

    assert names() == names(("provider", "postgres"), ("resource", "database")) == {one, two}
    assert names(("tags", "red"), ("tags", "big")) == {one}
    assert names(("provider", "other")) == names(("resource", "other")) == names(("tags", "blue")) == set()


def test_two_spellings_of_one_id_are_a_conflict(pragma: httpx.Client) -> None:
    name = unique("db").replace("-", "_")
    applied(pragma, f"{name}_x")
    other = pragma.post("/resources/apply", json={**body("x"), "resource": f"database_{name}"})
    assert (other.status_code, "belongs to another resource" in other.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "a/b"}, "name"),
        ({"provider": None}, "provider"),
        ({"lifecycle_state": "ready"}, "lifecycle_state"),
        ({"tags": "a"}, "tags"),
    ],
)
def test_a_wrong_field_is_refused(pragma: httpx.Client, wrong: dict[str, Any], field: str) -> None:
    refused = pragma.post("/resources/apply", json={**body("db"), **wrong})
    assert refused.status_code == 422
    assert [each["loc"] for each in refused.json()["detail"]] == [["body", field]]
    assert pragma.post("/resources/apply", content=b"{").status_code == 400


def test_keys_and_organizations_are_apart(plane: ControlPlane, pragma: httpx.Client) -> None:
    name = unique("db")
    applied(pragma, name)
    for key, status in ((OTHER_KEY, 404), (NO_SCOPE_KEY, 403), ("nobody", 403)):
        with plane.vendor("pragma", key) as client:
            refused = client.get(path(name))
            assert refused.status_code == status
            assert refused.json().keys() == {"detail"}
    with plane.vendor("pragma", headers={"Authorization": ""}) as client:
        assert client.get("/resources/").status_code == 401


def test_code_is_uploaded_and_built(plane: ControlPlane, pragma: httpx.Client) -> None:
    def push() -> dict[str, Any]:
        files = {"code": ("provider.tar.gz", b"\x1f\x8b\x00\xff", "application/gzip")}
        pushed = pragma.post("/providers/my-provider/push", files=files)
        assert pushed.status_code == 202
        job = pushed.json()["job_name"]
        url = f"/providers/my-provider/builds/{job}"
        return dict(wait_until(lambda: (found := pragma.get(url).json())["status"] != "building" and found))

    first = push()
    assert (first["status"], first["version"]) == ("success", "1")
    with plane.admin() as admin:
        admin.post("/faults", json={"operation": "pragmaBuild", "effect": "reset"}).raise_for_status()
    assert (failed := push())["status"] == "failed"
    assert failed["error_message"] == "This failure was injected by a fault rule."
    assert pragma.post("/providers/p/push", files={"other": b"x"}).status_code == 422
    assert pragma.post("/providers/p/push", json={}).status_code == 422
    assert pragma.get("/providers/p/builds/build-p-1").status_code == 404
    assert pragma.get("/providers/my-provider/builds/x").status_code == 404


def test_kill_nine_loses_nothing(tmp_path: Path) -> None:
    """A resource that was being processed is processed again."""
    data = str(tmp_path / "data")
    with ControlPlane("--data-dir", data, "--rate-limit", "0", "--pool-size", "0", "--vendor", "pragma") as plane:
        rule(plane, effect="latency", seconds=600)
        with plane.vendor("pragma") as client:
            applied(client, "draft")
            applied(client, "killed", lifecycle_state="pending")
            wait_until(lambda: client.get(path("killed")).json()["lifecycle_state"] == "processing")
        plane.kill()
        plane.restart()
        with plane.vendor("pragma") as client:
            assert client.get(path("draft")).json()["lifecycle_state"] == "draft"
            assert processed(client, "killed")["lifecycle_state"] == "ready"
