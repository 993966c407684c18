"""The real Terraform and OpenTofu as a vocabulary for tests: a test reads as the story of one workspace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from support import quick_plugin
from support.needs import require

# Terraform of the machine, which may be as old as 1.11, and the OpenTofu of `make setup`.
ENGINES = ("terraform", "tofu")
# The Terraform of `make setup`.
NEWEST = "terraform-1.16"
# Every engine of the plugin protocol, the oldest that the provider works with included.
ALL_ENGINES = ("tofu-1.10", "terraform", NEWEST, "tofu")
PREAMBLE = """
terraform {
  required_providers {
    polykomos = { source = "polykomos/polykomos" }
  }
}
provider "polykomos" {}
"""
# The actions of events, and those that change nothing.
_ACTIONS = frozenset(("create", "update", "delete", "replace", "read", "noop", "move", "import"))
_NOTHING = frozenset(("noop", "no-op", "read", "move", "import"))


@dataclass(frozen=True)
class Result:
    """One command's end: its exit status, all it printed, and its events where it prints JSON."""

    status: int
    output: str
    events: list[dict[str, Any]]

    @property
    def diagnostics(self) -> str:
        """Errors and warnings as the user reads them."""
        return "\n".join(
            f"{found['severity']}: {found['summary']}: {found.get('detail', '')}"
            for event in self.events
            if (found := event.get("diagnostic"))
        )

    @property
    def done(self) -> Counter[str]:
        """How many resources were created, updated and deleted."""
        return Counter(event["hook"]["action"] for event in self.events if event.get("type") == "apply_complete")


@dataclass(frozen=True)
class Plan(Result):
    """A plan. show: returns it as `show -json` prints it; empty when planning failed."""

    show: Callable[[], dict[str, Any]]

    @cached_property
    def changes(self) -> dict[str, dict[str, Any]]:
        """The change of each resource, by its address."""
        return {each["address"]: each["change"] for each in self.show().get("resource_changes", [])}

    @property
    def actions(self) -> dict[str, str]:
        """What would be done per address, where that is anything."""
        found = {
            event["change"]["resource"]["addr"]: event["change"]["action"]
            for event in self.events
            if event.get("type") == "planned_change"
        }
        if not _ACTIONS.issuperset(found.values()):  # engines name rare ones each in its own way
            found = {address: _action(change["actions"]) for address, change in self.changes.items()}
        return {address: action for address, action in found.items() if action not in _NOTHING}

    @property
    def replaces(self) -> dict[str, list[str]]:
        """The attributes that force a replacement, per address."""
        return {
            address: sorted(path[0] for path in change["replace_paths"])
            for address, change in self.changes.items()
            if change.get("replace_paths")
        }

    @property
    def imports(self) -> set[str]:
        """The addresses that would be imported."""
        return {address for address, change in self.changes.items() if "importing" in change}

    @property
    def empty(self) -> bool:
        """Whether nothing would be done."""
        return self.status == 0 and not self.actions


class Workspace:
    """One root module, in a directory of its own. engine: `terraform` or `tofu`.

    The provider is taken from the environment that runs the tests (dev_overrides), or, with `mirror`, from a filesystem
    mirror by `init`, as a user's machine does.

    quick: a command takes a third of the CPU time. The providers of `vendors` are forks of processes that have loaded
    them already (`support.plugin_zygote`).
    """

    def __init__(
        self,
        engine: str,
        directory: Path,
        env: dict[str, str],
        mirror: Path | None = None,
        vendors: Sequence[str] = ("polykomos",),
        *,
        quick: bool = False,
    ) -> None:
        self.engine = engine
        self.program = require(engine)
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "cli.tfrc"
        config.write_text(_installation(mirror, vendors if quick else ()))
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("TF_", "POLYKOMOS_", "TOFU_"))},
            "TF_CLI_CONFIG_FILE": str(config),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "NO_COLOR": "1",
            **env,
        }
        self.write("", "main.tf")
        (directory / "provider.tf").write_text(PREAMBLE)

    def write(self, text: str, name: str = "main.tf") -> None:
        """Replace a file of the module."""
        (self.directory / name).write_text(text)

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """Run a command and leave it running, in a process group of its own: a test can then interrupt it as Ctrl-C
        does.
        """
        return subprocess.Popen(
            [self.program, *words],
            cwd=self.directory,
            env={**self.env, **env},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *words: str, ok: bool | int | None = True, timeout: float = 600, **env: str) -> Result:
        """Run a command. ok: whether it should succeed, or its very exit status; None for any."""
        done = subprocess.run(
            [self.program, *words],
            cwd=self.directory,
            env={**self.env, **env},
            text=True,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        result = Result(done.returncode, done.stdout + done.stderr, _events(done.stdout))
        key = self.env.get("POLYKOMOS_API_KEY")
        assert not (key and key in result.output), "the API key was shown"
        return _judged(result, words, ok)

    def plan(self, *words: str, ok: bool | None = True, out: str = "tfplan", **env: str) -> Plan:
        """Plan into a file."""
        made = self.run("plan", "-json", f"-out={out}", *words, ok=ok, **env)
        file = self.directory / out
        written = file.stat().st_mtime_ns if made.status == 0 else 0

        def show() -> dict[str, Any]:
            if made.status != 0:
                return {}
            assert file.stat().st_mtime_ns == written, f"{out} is another plan now: look at the first one before"
            shown: dict[str, Any] = json.loads(self.run("show", "-json", out).output)
            return shown

        return Plan(made.status, made.output, made.events, show)

    def apply(self, *words: str, ok: bool | None = True, **env: str) -> Result:
        """Apply the module, or a saved plan where its name is given."""
        return self.run("apply", "-json", "-auto-approve", *words, ok=ok, **env)

    def destroy(self, *words: str, ok: bool | None = True, **env: str) -> Result:
        """Destroy everything in the state."""
        return self.run("destroy", "-json", "-auto-approve", *words, ok=ok, **env)

    def settled(self) -> None:
        """Fail unless a plan is empty by the exit status that CI goes by."""
        self.run("plan", "-detailed-exitcode", ok=0)

    @property
    def state_text(self) -> str:
        """The state file of the selected workspace, as it stands."""
        selected = self.directory / ".terraform" / "environment"
        name = selected.read_text() if selected.exists() else "default"
        folder = self.directory if name == "default" else self.directory / "terraform.tfstate.d" / name
        path = folder / "terraform.tfstate"
        return path.read_text() if path.exists() else ""

    def resources(self) -> dict[str, dict[str, Any]]:
        """The attributes of every resource and data source in the state, by address.

        They are read from the state file, as `show -json` reads them: it starts the provider for its schema.
        """
        return {
            _address(resource, instance): {name: _plain(value) for name, value in instance["attributes"].items()}
            for resource in json.loads(self.state_text or "{}").get("resources", [])
            for instance in resource["instances"]
            if "deposed" not in instance
        }

    def resource(self, address: str) -> dict[str, Any]:
        """The attributes of one resource in the state."""
        return self.resources()[address]

    def outputs(self) -> dict[str, Any]:
        """The values of the outputs, sensitive ones too."""
        return {name: each["value"] for name, each in json.loads(self.run("output", "-json").output).items()}


def _installation(mirror: Path | None, quick: Sequence[str]) -> str:
    if mirror is None:
        places = dict.fromkeys(("polnor", "polykomos", "polytomic", "pragma"), Path(sys.executable).parent)
        places |= {name: quick_plugin.directory(f"terraform-provider-{name}") for name in quick}
        overrides = "\n".join(f'    "{name}/{name}" = "{place}"' for name, place in places.items())
        return f"provider_installation {{\n  dev_overrides {{\n{overrides}\n  }}\n  direct {{}}\n}}\n"
    return f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n'


def _events(output: str) -> list[dict[str, Any]]:
    found = []
    for line in output.splitlines():
        if line.startswith('{"@'):
            found.append(json.loads(line))
    return found


def _action(actions: list[str]) -> str:
    return "replace" if set(actions) == {"create", "delete"} else "+".join(actions)


def _address(resource: dict[str, Any], instance: dict[str, Any]) -> str:
    parts = [resource.get("module"), "data" if resource["mode"] == "data" else None, resource["type"], resource["name"]]
    key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
    return ".".join(part for part in parts if part) + key


def _plain(value: Any) -> Any:
    """An attribute's value. One of any type is stored together with its type."""
    return value["value"] if isinstance(value, dict) and value.keys() == {"value", "type"} else value


def _judged(result: Result, words: tuple[str, ...], ok: bool | int | None) -> Result:
    right = ok is None or (ok == (result.status == 0) if isinstance(ok, bool) else ok == result.status)
    if not right:
        raise AssertionError(f"{' '.join(words)} ended with {result.status}:\n{result.output}")
    return result
