"""What is compared: the same N objects by our provider, by its peers, and by providers that have nothing to do."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from support.control_plane import ControlPlane
from support.needs import require
from support.pulumi import Stack
from support.terraform import Workspace

PEERS = Path(__file__).with_name("peers")
RESTFUL = "terraform-provider-restful"
_SECONDS = 1800.0


class Subject(Protocol):
    """One program of N resources. plugin: its provider's process; calls_api: whether that has an API behind it."""

    plugin: str
    calls_api: bool

    def apply(self) -> object:
        """Make them."""

    def try_apply(self) -> object:
        """As far as it gets."""

    def look(self) -> object:
        """Find that nothing has changed."""

    def destroy(self) -> object:
        """Remove them."""


class PulumiSubject:
    """On the Pulumi CLI."""

    def __init__(self, stack: Stack, plugin: str, *, calls_api: bool) -> None:
        self.stack, self.plugin, self.calls_api = stack, plugin, calls_api

    def apply(self) -> object:
        return self.stack.run("up", "--yes", "--skip-preview", timeout=_SECONDS)

    def try_apply(self) -> object:
        return self.stack.run("up", "--yes", "--skip-preview", ok=None, timeout=_SECONDS)

    def look(self) -> object:
        return self.stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes", timeout=_SECONDS)

    def destroy(self) -> object:
        return self.stack.run("destroy", "--yes", "--skip-preview", timeout=_SECONDS)


class TerraformSubject:
    """On Terraform."""

    def __init__(self, workspace: Workspace, plugin: str, *, calls_api: bool) -> None:
        self.workspace, self.plugin, self.calls_api = workspace, plugin, calls_api

    def apply(self) -> object:
        return self.workspace.run("apply", "-auto-approve", timeout=_SECONDS)

    def try_apply(self) -> object:
        return self.workspace.run("apply", "-auto-approve", ok=None, timeout=_SECONDS)

    def look(self) -> object:
        return self.workspace.run("plan", "-detailed-exitcode", ok=0, timeout=_SECONDS)

    def destroy(self) -> object:
        return self.workspace.run("destroy", "-auto-approve", timeout=_SECONDS)


def connection(plane: ControlPlane) -> dict[str, str]:
    """What a user exports."""
    return {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key, "NO_PROXY": "127.0.0.1"}


def pulumi_subjects(directory: Path, plane: ControlPlane, count: int) -> Mapping[str, Subject]:
    """By their names in the report."""
    shims = directory / "shims"
    shims.mkdir(parents=True, exist_ok=True)
    _script(shims / "pulumi-resource-floor", f'exec "{sys.executable}" "{PEERS / "floor.py"}" "$@"')
    env = {**connection(plane), "PATH": f"{shims}{os.pathsep}{os.environ['PATH']}"}

    ours = Stack(directory / f"ours{count}", env)
    ours.write({f"bp{n}": ("Blueprint", {"name": f"ours-{n}", "sqlContent": f"SELECT {n}"}) for n in range(count)})
    floor = Stack(directory / f"floor{count}", env)
    floor.write({f"t{n}": ("floor:Thing", {"name": f"thing-{n}"}) for n in range(count)})
    dynamic = Stack(directory / f"dynamic{count}", env, runtime="python")
    shutil.copy(PEERS / "dynamic_program.py", dynamic.directory / "__main__.py")
    dynamic.run("config", "set", "count", str(count))
    return {
        "ours": PulumiSubject(ours, "pulumi-resource-polykomos", calls_api=True),
        "dynamic provider": PulumiSubject(dynamic, "pulumi.dynamic", calls_api=True),
        "floor": PulumiSubject(floor, "floor.py", calls_api=False),
    }


def terraform_subjects(directory: Path, plane: ControlPlane, count: int) -> Mapping[str, Subject]:
    """By their names in the report; the generic Go provider where there is one."""
    ours = Workspace("terraform", directory / f"ours{count}", connection(plane))
    ours.write(f"""
      resource "polykomos_blueprint" "bp" {{
        count       = {count}
        name        = "bench-${{count.index}}"
        sql_content = "SELECT ${{count.index}}"
      }}
    """)
    baseline = Path(require("terraform-provider-baseline"))
    minimal = _overridden(directory / f"minimal{count}", "polykomos/baseline", baseline)
    minimal.write(f'resource "baseline_thing" "thing" {{\n count = {count}\n name = "bench-${{count.index}}"\n}}\n')
    found: dict[str, Subject] = {
        "ours": TerraformSubject(ours, "terraform-provider-polykomos", calls_api=True),
        "minimal Go provider": TerraformSubject(minimal, baseline.name, calls_api=False),
    }
    program = restful()
    if program is not None:
        generic = _overridden(directory / f"generic{count}", "magodo/restful", program)
        generic.write(_generic(plane, count))
        found["generic Go provider"] = TerraformSubject(generic, RESTFUL, calls_api=True)
    return found


def restful() -> Path | None:
    """The generic Go provider that `tools/setup` builds; None where its module cannot be had."""
    found = shutil.which(RESTFUL)
    return Path(found) if found else None


def _generic(plane: ControlPlane, count: int) -> str:
    return f"""
      provider "restful" {{
        base_url = "{plane.base_url}"
        security = {{ http = {{ token = {{ token = "{plane.api_key}" }} }} }}
      }}
      resource "restful_resource" "bp" {{
        count     = {count}
        path      = "/blueprints"
        read_path = "$(path)/$(body.data.uuid)"
        header    = {{ "Idempotency-Key" = "generic-{count}-${{count.index}}" }}
        body      = {{ name = "generic-${{count.index}}", sql_content = "SELECT 1" }}
        read_selector = "data"
      }}
    """


def _overridden(directory: Path, source: str, program: Path) -> Workspace:
    """A workspace of another provider, found where it was built."""
    made = Workspace("terraform", directory, {})
    overrides = f'dev_overrides {{ "{source}" = "{program.parent}" }}'
    (directory / "cli.tfrc").write_text(f"provider_installation {{\n {overrides}\n direct {{}}\n}}\n")
    name = source.partition("/")[2]
    text = f'terraform {{\n required_providers {{\n  {name} = {{ source = "{source}" }}\n }}\n}}\n'
    (directory / "provider.tf").write_text(text)
    return made


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
