"""One program (support.programs) under any engine, and whether what is there in the end is what it says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx
import psycopg

from support import server_admin
from support.control_plane import ControlPlane, wait_until
from support.process_kill import after_kill, kill, processes, start_up
from support.programs import Program, pulumi_resources, pulumi_variables, terraform_module
from support.pulumi import Stack
from support.terraform import NEWEST, Workspace

KINDS = ("databases", "blueprints", "webhook_endpoints")
_EACH = 2
_PAGE = 100
Marks = dict[str, list[str]]
"""What applications are to have left in the databases, by the databases' names."""


class Story(Protocol):
    """One program under one engine. All may fail: `done` says whether it went through."""

    def write(self, program: Program) -> None:
        """Declare it."""

    def up(self) -> tuple[bool, str]:
        """Bring it about."""

    def refresh(self) -> tuple[bool, str]:
        """Read everything anew."""

    def destroy(self) -> tuple[bool, str]:
        """Take it all away."""

    def saved_ids(self) -> dict[str, set[str]]:
        """The ids in the state, by kind."""

    def start(self, doing: str) -> subprocess.Popen[str]:
        """`up`, `refresh` or `destroy`, left running."""

    def plugins(self) -> list[int]:
        """The processes of the provider that run for it."""

    def killed(self) -> None:
        """Take away what an engine that was killed has left, as its users do: a lock, half a state."""


class PulumiStory:
    """See Story."""

    def __init__(self, directory: Path, env: dict[str, str]) -> None:
        self.stack = Stack(directory, env)

    def write(self, program: Program) -> None:
        if program.version:
            self.stack.uninstall()
        self.stack.write(pulumi_resources(program), variables=pulumi_variables(program))

    def up(self) -> tuple[bool, str]:
        done, output = _outcome(self.stack.up(ok=None))
        # A variable that failed and that nothing uses is an error, and the status is 0 all the same.
        return done and "error:" not in output, output

    def refresh(self) -> tuple[bool, str]:
        return _outcome(self.stack.refresh(ok=None))

    def destroy(self) -> tuple[bool, str]:
        return _outcome(self.stack.destroy(ok=None))

    def start(self, doing: str) -> subprocess.Popen[str]:
        return start_up(self.stack, command=doing)

    def plugins(self) -> list[int]:
        return processes(self.stack.directory / ".home" / ".pulumi", "pulumi-resource-polykomos")

    def killed(self) -> None:
        after_kill(self.stack)

    def saved_ids(self) -> dict[str, set[str]]:
        names = {"Database": "databases", "Blueprint": "blueprints", "WebhookEndpoint": "webhook_endpoints"}
        found: dict[str, set[str]] = {kind: set() for kind in KINDS}
        for resource in self.stack.state()["deployment"].get("resources", []):
            kind = names.get(resource["type"].rpartition(":")[2])
            if kind and resource["type"].startswith("polykomos:"):
                found[kind].add(resource["id"])
        return found


class TerraformStory:
    """See Story."""

    def __init__(self, engine: str, directory: Path, env: dict[str, str]) -> None:
        self.workspace = Workspace(engine, directory, {**env, "POLYKOMOS_IDEMPOTENCY_SCOPE": str(directory)})

    def write(self, program: Program) -> None:
        self.workspace.write(terraform_module(program))

    def up(self) -> tuple[bool, str]:
        return _outcome(self.workspace.run("apply", "-auto-approve", ok=None))

    def refresh(self) -> tuple[bool, str]:
        return _outcome(self.workspace.run("apply", "-refresh-only", "-auto-approve", ok=None))

    def destroy(self) -> tuple[bool, str]:
        return _outcome(self.workspace.run("destroy", "-auto-approve", ok=None))

    def start(self, doing: str) -> subprocess.Popen[str]:
        words = {"up": ("apply",), "refresh": ("apply", "-refresh-only"), "destroy": ("destroy",)}[doing]
        return self.workspace.start(*words, "-auto-approve", "-lock=false")

    def plugins(self) -> list[int]:
        return processes(Path(self.workspace.env["TF_CLI_CONFIG_FILE"]), "terraform-provider-polykomos")

    def killed(self) -> None:
        (self.workspace.directory / ".terraform.tfstate.lock.info").unlink(missing_ok=True)

    def saved_ids(self) -> dict[str, set[str]]:
        return ids_in_state(self.workspace)


class SavedPlanStory(TerraformStory):
    """See Story: on Terraform 1.16, without a scope, where each `up` is a saved plan.

    After a kill, the state is as it was before the plan, as with a state backend that nothing reached. The next `up`
    applies the same plan again.
    """

    def __init__(self, directory: Path, env: dict[str, str]) -> None:
        super().__init__(NEWEST, directory, env)
        del self.workspace.env["POLYKOMOS_IDEMPOTENCY_SCOPE"]
        self._plan = directory / "tfplan"

    def start(self, doing: str) -> subprocess.Popen[str]:
        if doing != "up":
            return super().start(doing)
        self._save_plan()
        return self.workspace.start("apply", "-lock=false", self._plan.name)

    def up(self) -> tuple[bool, str]:
        if not self._plan.exists():
            self._save_plan()
        done, output = _outcome(self.workspace.run("apply", self._plan.name, ok=None))
        if done:
            self._plan.unlink()
        return done, output

    def killed(self) -> None:
        super().killed()
        if self._plan.exists():
            (self.workspace.directory / "terraform.tfstate").write_text(self._state_before)

    def _save_plan(self) -> None:
        self.workspace.run("plan", f"-out={self._plan.name}")
        self._state_before = self.workspace.state_text


def new_story(engine: str, directory: Path, env: dict[str, str]) -> Story:
    """engine: pulumi, or one of the plugin protocol; the newest Terraform applies saved plans without a scope."""
    if engine == NEWEST:
        return SavedPlanStory(directory, env)
    return PulumiStory(directory, env) if engine == "pulumi" else TerraformStory(engine, directory, env)


def ids_in_state(workspace: Workspace) -> dict[str, set[str]]:
    """The ids in a workspace's state file, by kind."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for resource in json.loads(workspace.state_text or "{}").get("resources", []):
        kind = resource["type"].removeprefix("polykomos_") + "s"
        if kind in found and resource["mode"] == "managed":
            found[kind] |= {instance["attributes"]["id"] for instance in resource["instances"]}
    return found


def interrupted(story: Story, doing: str, when: Callable[[], object]) -> None:
    """The command, its engine and plugin killed as soon as `when` holds."""
    process = story.start(doing)
    try:
        wait_until(when, seconds=60, every=0.02)
    finally:
        process.kill()
        process.communicate()
        kill(story.plugins())
        story.killed()


def there(plane: ControlPlane) -> dict[str, dict[str, dict[str, Any]]]:
    """Everything of ours at the API, by kind and id."""
    with plane.client() as api:
        return {kind: dict(_all(api, kind)) for kind in KINDS}


def _all(api: httpx.Client, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    after: dict[str, str] = {}
    while True:
        reply = api.get(f"/{kind}", params={"limit": _PAGE, **after})
        reply.raise_for_status()
        page = reply.json()
        for each in page["data"]:
            id_ = str(each.get("uuid", each.get("id")))
            if each.get("status") not in ("deleted", "revoked") and not each.get("is_system_blueprint"):
                yield id_, each
            after = {"starting_after": id_}
        if not page["has_more"]:
            return


def until_done(run: Callable[[], tuple[bool, str]], most: int = 3) -> str:
    """Once, and again where it stopped, which must be told in words. What the last run said."""
    for _ in range(most):
        done, output = run()
        assert "Traceback" not in output
        assert "panic" not in output
        if done:
            return output
    raise AssertionError(output)


def is_exactly(story: Story, plane: ControlPlane, program: Program, marks: Marks) -> None:
    """Two objects of each kind, no more, as the program says, and the state's; each application has run once."""
    found = there(plane)
    assert {kind: len(found[kind]) for kind in KINDS} == dict.fromkeys(KINDS, _EACH)
    assert {kind: set(found[kind]) for kind in KINDS} == story.saved_ids()
    databases = {each["name"]: each for each in found["databases"].values()}
    assert set(databases) == {program.name, program.other}
    assert databases[program.name]["quotas"]["connection_hard_limit"] == program.limit
    assert databases[program.name]["plan"] == program.plan
    assert {each["name"] for each in found["blueprints"].values()} == {program.name, program.other}
    assert {each["url"] for each in found["webhook_endpoints"].values()} == program.urls
    assert {name: _marks(plane, each["uuid"]) for name, each in databases.items()} == marks
    wait_until(lambda: not server_admin.unaccounted(plane))


def _marks(plane: ControlPlane, uuid: str) -> list[str]:
    with plane.client() as api:
        login = api.get(f"/databases/{uuid}").json()["data"]["connection_string"]
    with psycopg.connect(login) as connection:
        return [row[0] for row in connection.execute("SELECT mark FROM seen ORDER BY ctid")]


def _outcome(result: Any) -> tuple[bool, str]:
    return result.status == 0, result.output
