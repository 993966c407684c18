"""The same small program for every engine: a database, a blueprint, its application, a webhook endpoint."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import httpx

from support.control_plane import ControlPlane, wait_until
from support.killing import processes, start_up
from support.pulumi import Stack
from support.terraform import Workspace

KINDS = ("databases", "blueprints", "webhook_endpoints")
_SQL = "CREATE TABLE IF NOT EXISTS seen (n int);"
_HOOK = "https://hooks.example.com/x"
_TERRAFORM = """
resource "polykomos_database" "db" {{
  name                  = "{name}"
  connection_hard_limit = {limit}
}}
resource "polykomos_blueprint" "bp" {{
  name        = "{name}"
  sql_content = "{sql}"
}}
resource "polykomos_blueprint_application" "run" {{
  database_uuid     = polykomos_database.db.uuid
  blueprint_uuid    = polykomos_blueprint.bp.uuid
  blueprint_version = polykomos_blueprint.bp.version
}}
resource "polykomos_webhook_endpoint" "hook" {{
  url = "{hook}"
}}
"""


class Story(Protocol):
    """One program under one engine. All may fail: `done` says whether it went through."""

    def write(self, name: str, limit: int) -> None:
        """The program, with this name for everything and this limit of connections."""

    def up(self) -> tuple[bool, str]:
        """Bring it about."""

    def refresh(self) -> tuple[bool, str]:
        """Read everything anew."""

    def destroy(self) -> tuple[bool, str]:
        """Take it all away."""

    def held(self) -> dict[str, set[str]]:
        """The ids in the state, by kind."""

    def start(self, doing: str) -> subprocess.Popen[str]:
        """`up`, `refresh` or `destroy`, left running."""

    def plugins(self) -> list[int]:
        """The processes of the provider that run for it."""

    def killed(self) -> None:
        """Take away what an engine that was killed has left, as its users do: the lock."""


class PulumiStory:
    """See Story."""

    def __init__(self, directory: Path, env: dict[str, str]) -> None:
        self.stack = Stack(directory, env)

    def write(self, name: str, limit: int) -> None:
        run = {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}", "blueprintVersion": "${bp.version}"}
        self.stack.write(
            {
                "db": ("Database", {"name": name, "connectionHardLimit": limit}),
                "bp": ("Blueprint", {"name": name, "sqlContent": _SQL}),
                "run": ("BlueprintApplication", run),
                "hook": ("WebhookEndpoint", {"url": _HOOK}),
            }
        )

    def up(self) -> tuple[bool, str]:
        return _told(self.stack.up(ok=None))

    def refresh(self) -> tuple[bool, str]:
        return _told(self.stack.refresh(ok=None))

    def destroy(self) -> tuple[bool, str]:
        return _told(self.stack.destroy(ok=None))

    def start(self, doing: str) -> subprocess.Popen[str]:
        return start_up(self.stack, command=doing)

    def plugins(self) -> list[int]:
        return processes(self.stack.directory / ".home" / ".pulumi", "pulumi-resource-polykomos")

    def killed(self) -> None:
        self.stack.run("cancel", "--yes", "--stack", "dev", ok=None)

    def held(self) -> dict[str, set[str]]:
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

    def write(self, name: str, limit: int) -> None:
        self.workspace.write(_TERRAFORM.format(name=name, limit=limit, sql=_SQL, hook=_HOOK))

    def up(self) -> tuple[bool, str]:
        return _told(self.workspace.run("apply", "-auto-approve", ok=None))

    def refresh(self) -> tuple[bool, str]:
        return _told(self.workspace.run("apply", "-refresh-only", "-auto-approve", ok=None))

    def destroy(self) -> tuple[bool, str]:
        return _told(self.workspace.run("destroy", "-auto-approve", ok=None))

    def start(self, doing: str) -> subprocess.Popen[str]:
        words = {"up": ("apply",), "refresh": ("apply", "-refresh-only"), "destroy": ("destroy",)}[doing]
        return self.workspace.start(*words, "-auto-approve", "-lock=false")

    def plugins(self) -> list[int]:
        return processes(Path(self.workspace.env["TF_CLI_CONFIG_FILE"]), "terraform-provider-polykomos")

    def killed(self) -> None:
        (self.workspace.directory / ".terraform.tfstate.lock.info").unlink(missing_ok=True)

    def held(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {kind: set() for kind in KINDS}
        for address, values in self.workspace.resources().items():
            kind = address.split(".")[0].removeprefix("polykomos_") + "s"
            if kind in found:
                found[kind].add(values["id"])
        return found


def new_story(engine: str, directory: Path, env: dict[str, str]) -> Story:
    """engine: pulumi, terraform or tofu."""
    return PulumiStory(directory, env) if engine == "pulumi" else TerraformStory(engine, directory, env)


def there(plane: ControlPlane) -> dict[str, dict[str, dict[str, Any]]]:
    """Everything of ours at the API, by kind and id."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    with plane.client() as api:
        for kind in KINDS:
            listed = wait_until(lambda kind=kind: _listed(api, kind))["data"]
            found[kind] = {
                str(each.get("uuid", each.get("id"))): each
                for each in listed
                if each.get("status") not in ("deleted", "revoked") and not each.get("is_system_blueprint")
            }
    return found


def until_done(run: Callable[[], tuple[bool, str]], most: int = 3) -> None:
    """Once, and again where it stopped, which must be told in words."""
    for _ in range(most):
        done, output = run()
        assert "Traceback" not in output
        assert "panic" not in output
        if done:
            return
    raise AssertionError(output)


def is_exactly(story: Story, plane: ControlPlane, name: str, limit: int) -> None:
    """One object of each kind, no more, as the program says, and the state's."""
    found = there(plane)
    assert {kind: len(found[kind]) for kind in KINDS} == dict.fromkeys(KINDS, 1)
    assert {kind: set(found[kind]) for kind in KINDS} == story.held()
    (database,) = found["databases"].values()
    assert (database["name"], database["quotas"]["connection_hard_limit"]) == (name, limit)
    (blueprint,) = found["blueprints"].values()
    assert blueprint["name"] == name


def _listed(api: httpx.Client, kind: str) -> Any:
    """Our own look may meet a fault as well."""
    try:
        reply = api.get(f"/{kind}", params={"limit": 100})
        return reply.json() if reply.status_code == 200 else None
    except (httpx.TransportError, ValueError):
        return None


def _told(result: Any) -> tuple[bool, str]:
    return result.status == 0, result.output
