"""The same few resources as a program of each engine, for tests of what all engines must do alike.

Arguments are plain values under their declared names: what they refer to exists already.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from resourcekit.pulumi.casing import to_camel
from support.hcl import Declared, module
from support.pulumi import Stack
from support.terraform import Workspace

ENGINES: Final = ("pulumi", "dynamic", "terraform", "tofu")
Resources = Mapping[str, tuple[str, Mapping[str, Any]]]
"""Arguments by the resource's name and declared type; `timeouts` holds the time-outs by operation."""


class PlainProgram:
    """One program under one engine, in a directory of its own."""

    def __init__(self, engine: str, directory: Path, env: dict[str, str]) -> None:
        self.engine = engine
        self._stack = None if engine in ("terraform", "tofu") else Stack(directory, env, _RUNTIMES[engine], quick=True)
        self._workspace = None if self._stack else Workspace(engine, directory, env)

    def write(self, resources: Resources) -> None:
        """Declare these resources and no others."""
        if self._workspace:
            self._workspace.write(module(_declared(resources)))
        elif self._stack and self.engine == "pulumi":
            self._stack.write({name: _pulumi(kind, arguments) for name, (kind, arguments) in resources.items()})
        elif self._stack:
            (self._stack.directory / "__main__.py").write_text(_python(resources))

    def plan(self) -> tuple[bool, str]:
        """Whether the plan or preview succeeds, and what it prints."""
        if self._workspace:
            planned = self._workspace.plan(ok=None)
            return planned.status == 0, planned.diagnostics
        assert self._stack
        done = self._stack.preview(ok=None)
        return done.status == 0, done.output

    def planned(self) -> dict[str, str]:
        """What a plan would do, by the resource's name: create, update, replace or delete."""
        if self._workspace:
            return {address.partition(".")[2]: action for address, action in self._workspace.plan().actions.items()}
        assert self._stack
        steps = self._stack.preview().ops
        return {name: "replace" if "replace" in step else step for name, step in steps.items()}

    def apply(self) -> tuple[bool, str]:
        """Whether the apply succeeds, and what it prints."""
        if self._workspace:
            done = self._workspace.apply(ok=None)
            return done.status == 0, done.diagnostics
        assert self._stack
        up = self._stack.up(ok=None)
        return up.status == 0, up.output

    def destroy(self) -> tuple[bool, str]:
        """Whether all could be destroyed, and what it printed."""
        ended = self._workspace.destroy(ok=None) if self._workspace else self._stack.destroy(ok=None)  # type: ignore[union-attr]
        return ended.status == 0, getattr(ended, "diagnostics", "") + ended.output


_RUNTIMES = {"pulumi": "yaml", "dynamic": "python"}
_TYPES = {
    "Database": "polykomos_database",
    "Blueprint": "polykomos_blueprint",
    "BlueprintApplication": "polykomos_blueprint_application",
    "WebhookEndpoint": "polykomos_webhook_endpoint",
}


def _declared(resources: Resources) -> list[Declared]:
    return [Declared(_TYPES[kind], name, arguments) for name, (kind, arguments) in resources.items()]


def _pulumi(kind: str, arguments: Mapping[str, Any]) -> tuple[Any, ...]:
    properties = {to_camel(name): value for name, value in arguments.items() if name != "timeouts"}
    options = {"customTimeouts": arguments["timeouts"]} if "timeouts" in arguments else {}
    return (kind, properties, options) if options else (kind, properties)


def _python(resources: Resources) -> str:
    lines = ["import pulumi", "from polykomos_provider import dynamic as polykomos", ""]
    for name, (kind, arguments) in resources.items():
        given = "".join(f", {key}={value!r}" for key, value in arguments.items() if key != "timeouts")
        limits = f"pulumi.CustomTimeouts(**{arguments['timeouts']!r})" if "timeouts" in arguments else ""
        options = f", pulumi.ResourceOptions(custom_timeouts={limits})" if limits else ""
        lines.append(f"polykomos.{kind}({name!r}{options}{given})")
    return "\n".join(lines) + "\n"
