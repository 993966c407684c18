"""The steps of each example's README, run as they are written there, against a control plane of their own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from support.control_plane import ControlPlane, new_key
from support.needs import require
from support.objects import left, objects
from support.readme import Session, blocks, copied

# A value of the wrong type in place of the right one, what compiles it, and what the compiler says.
WRONG = {
    "typescript": ("HardLimit: 15", 'HardLimit: "15"', "npm run build", "Type 'string' is not assignable to type"),
    "go": ("pulumi.Int(15)", 'pulumi.String("15")', "go build ./shop", "cannot use pulumi.String"),
}


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "2") as running:
        yield running


def session(example: str, directory: Path, plane: ControlPlane, **env: str) -> Session:
    connection = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
    return Session(copied(example, directory), connection, **env)


def change_by_hand(plane: ControlPlane, name: str) -> None:
    """Rename the database of that name, behind the engine's back."""
    with plane.client() as api:
        (uuid,) = [each["uuid"] for each in api.get("/databases").json()["data"] if each["name"] == name]
        api.patch(f"/databases/{uuid}", json={"name": f"{name}-2"}, headers=new_key()).raise_for_status()


@pytest.mark.parametrize("language", ["python", "typescript", "go"])
def test_one_shop_in_three_languages(language: str, plane: ControlPlane, tmp_path: Path) -> None:
    """Typed, compiled and run; the objects at the API are the same ones, whichever language has declared them."""
    require({"python": "pip", "typescript": "npm", "go": "go"}[language])
    with session(f"pulumi-{language}", tmp_path, plane) as shell:
        *steps, last = blocks(shell.directory / "README.md")
        shown = shell.follow(steps)[-1]
        assert "connectionString  [secret]" in shown
        there = {path: [json.loads(each) for each in found] for path, found in objects(plane).items()}
        (database,), (blueprint,), (endpoint,) = there.values()
        assert (database["name"], database["quotas"]["connection_hard_limit"]) == ("shop-orders", 15)
        assert (blueprint["name"], blueprint["version"]) == ("shop-contacts", 1)
        assert endpoint["url"] == "https://hooks.example.com/shop"
        assert endpoint["events"] == ["database.provisioned", "database.deleted"]
        with plane.client() as api:
            (found,) = api.get("/databases").json()["data"]
            url = api.get(f"/databases/{found['uuid']}").json()["data"]["connection_string"]
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT name FROM contacts").fetchall() == [("Grace Hopper",)]
        shell.follow([last])
        assert left(plane) == []
        if language in WRONG:
            right, wrong, compiler, complaint = WRONG[language]
            shell.run(f"sed -i 's/{right}/{wrong}/' shop.ts shop/shop.go 2>/dev/null || true")
            assert complaint in shell.run(f"{compiler} 2>&1 || echo status $?")


@pytest.mark.parametrize(("example", "host"), [("typescript", "nodejs"), ("go", "go")])
def test_pulumi_up_with_an_official_language_host(example: str, host: str, plane: ControlPlane, tmp_path: Path) -> None:
    """The test above leaves this step out, in silence, where Pulumi was built and its installer was not reached."""
    program = f"pulumi-language-{host}"
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not on PATH: Pulumi's own installer includes it, a build does not")
    with session(f"pulumi-{example}", tmp_path, plane) as shell:
        steps = blocks(shell.directory / "README.md")
        (by_hand,) = [number for number, step in enumerate(steps) if step.needs == program]
        assert "connectionString" in shell.follow(steps[: by_hand + 1])[-1]
    assert left(plane) == []


def test_the_stack_in_yaml(plane: ControlPlane, tmp_path: Path) -> None:
    with session("pulumi-yaml", tmp_path, plane) as shell:
        printed = shell.follow(blocks(shell.directory / "README.md"))
        assert "webhookSecret [secret]" in " ".join(printed[0].split())
    assert left(plane) == []


@pytest.mark.parametrize("engine", ["terraform", "tofu"])
def test_the_stack_in_terraform(engine: str, plane: ControlPlane, tmp_path: Path) -> None:
    with session("terraform", tmp_path, plane) as shell:
        if engine == "tofu":  # as the README says: "or tofu, everywhere below"
            shell.run('terraform() { tofu "$@"; }')
        (printed,) = shell.follow(blocks(shell.directory / "README.md"))
        assert "3 passed, 0 failed" in printed
    assert left(plane) == []


def test_preview_environments(plane: ControlPlane, tmp_path: Path) -> None:
    # Nothing asks there; and with a yes to all questions Pulumi refuses to only preview a refresh.
    with session("automation-python", tmp_path, plane, PULUMI_SKIP_CONFIRMATIONS="false") as shell:
        made, drift, down = blocks(shell.directory / "README.md")
        (printed,) = shell.follow([made])
        assert '"connectionString": "[secret]"' in printed
        shell.run("python environments.py up 8")
        with plane.client() as api:
            assert {each["name"] for each in api.get("/databases").json()["data"]} == {"shop-pr-7", "shop-pr-8"}
        assert "no drift" in shell.follow([drift])[0]
        change_by_hand(plane, "shop-pr-7")
        told = shell.run("python environments.py drift 7 || echo status $?")
        assert "update: orders-database" in told
        assert "status 2" in told
        shell.follow([down])
        with plane.client() as api:
            assert [each["name"] for each in api.get("/databases").json()["data"]] == ["shop-pr-8"]
        assert [path.stem for path in (shell.directory / "state" / ".pulumi" / "stacks").rglob("pr-*.json")] == ["pr-8"]
