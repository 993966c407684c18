"""The real Pulumi CLI as a vocabulary for tests: a test reads as the story of one stack."""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from polykomos.version import VERSION
from support import checkpoint, quick_plugin, vault
from support.needs import require

PASSPHRASE = "correct horse battery staple"
# Newer hosts of the dynamic provider print each refusal with its traceback, which consists of these.
_HOST_FRAMES = ("pulumi/dynamic/__main__.py", "resourcekit/pulumi/dynamic/errors.py")
_ANY_PROGRAM = {
    "name": "story",
    "runtime": "yaml",
    "variables": {"x": {"fn::invoke": {"function": "polykomos:getAccount"}}},
}


class _Dumper(yaml.SafeDumper):
    """YAML without references between its parts, which Pulumi does not read."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


@dataclass(frozen=True)
class Result:
    """One command's end: its exit status, all it printed, and the engine's events."""

    status: int
    output: str
    events: list[dict[str, Any]]

    @property
    def ops(self) -> dict[str, str]:
        """What was done (or planned) per resource name, `same` and the stack itself left out."""
        found = {}
        for event in self.events:
            step = event.get("resourcePreEvent", {}).get("metadata")
            if step and step["op"] not in ("same", "read", "refresh") and "pulumi:pulumi" not in step["urn"]:
                name = step["urn"].rpartition("::")[2]
                if name != "default" and not name.startswith("default_"):
                    found[name] = found[name] + "+" + step["op"] if name in found else step["op"]
        return found

    @property
    def replaces(self) -> dict[str, list[str]]:
        """The properties that force a replacement, per resource name."""
        return {
            step["urn"].rpartition("::")[2]: sorted(step.get("keys") or [])
            for event in self.events
            if (step := event.get("resourcePreEvent", {}).get("metadata"))
            and step["op"] in ("replace", "create-replacement")
        }

    @property
    def diagnostics(self) -> str:
        """Warnings and errors as the user reads them."""
        return "\n".join(
            event["diagnosticEvent"]["message"]
            for event in self.events
            if event.get("diagnosticEvent", {}).get("severity") in ("warning", "error", "info#err")
        )

    @property
    def rows(self) -> list[str]:
        """What showed in the resources' rows while it ran."""
        return [
            event["diagnosticEvent"]["message"]
            for event in self.events
            if event.get("diagnosticEvent", {}).get("severity") == "info"
        ]

    @property
    def count(self) -> Counter[str]:
        return Counter(self.ops.values())


class Stack:
    """One stack of one program, in a directory and with a home of its own.

    quick: it takes half the CPU time. Its plugin is a fork of a process that has loaded the provider already
    (`support.plugin_zygote`), and its key comes from a stand-in for Vault, where that of others is a passphrase's.
    """

    def __init__(
        self,
        directory: Path,
        env: dict[str, str],
        runtime: str = "yaml",
        vendors: Sequence[str] = (),
        *,
        quick: bool = False,
    ) -> None:
        self.directory = directory
        self.pulumi = require("pulumi")
        require(f"pulumi-language-{runtime}")
        shutil.copytree(_initialized(self.pulumi, quick=quick), directory)
        for vendor in vendors:
            _install(directory, vendor, quick=quick)
        # Pulumi takes a schema from its cache if that is younger than the plugin.
        for schema in (directory / ".home" / ".pulumi" / "schemas").iterdir():
            schema.touch()
        self.env = {**_environment(directory), **env}
        if runtime != "yaml":  # only that language host may lie beside pulumi; the others are on PATH
            self.env.pop("PULUMI_IGNORE_AMBIENT_PLUGINS")
        self.program: dict[str, Any] = {"name": "story", "runtime": runtime}
        self._write()
        _select("organization/story/dev", directory)

    def uninstall(self) -> None:
        """Remove the plugin that `__init__` has installed. The one on PATH serves every version."""
        shutil.rmtree(self.directory / ".home" / ".pulumi" / "plugins", ignore_errors=True)
        self.env.pop("PULUMI_IGNORE_AMBIENT_PLUGINS", None)

    def write(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None, **rest: Any) -> None:
        """Replace the program. Resources are given as {name: (kind, properties[, options])}."""
        self.program = {"name": "story", "runtime": "yaml", "resources": {}, "outputs": outputs or {}, **rest}
        for name, (kind, properties, *options) in resources.items():
            entry = {"type": kind if ":" in kind else f"polykomos:{kind}", "properties": properties}
            if options:
                entry["options"] = options[0]
            self.program["resources"][name] = entry
        self._write()

    def _write(self) -> None:
        (self.directory / "Pulumi.yaml").write_text(yaml.dump(self.program, Dumper=_Dumper, sort_keys=False))

    def run(self, *words: str, ok: bool | None = True, timeout: float = 600, **env: str) -> Result:
        """Run `pulumi words`. ok: the status that is expected; None for either."""
        done = subprocess.run(
            [self.pulumi, *words, "--non-interactive"],
            cwd=self.directory,
            env={**self.env, **env},
            text=True,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        result = Result(done.returncode, done.stdout + done.stderr, [])
        key = self.env.get("POLYKOMOS_API_KEY")
        assert not (key and key in result.output), "the API key was shown"
        return _judged(result, words, ok)

    def _watched(self, command: str, *words: str, ok: bool | None, **env: str) -> Result:
        log = self.directory / "events.json"
        log.unlink(missing_ok=True)
        done = self.run(command, *words, "--event-log", str(log), "--stack", "dev", ok=None, **env)
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return _judged(Result(done.status, done.output, events), (command, *words), ok)

    def up(self, *words: str, ok: bool | None = True, previewed: bool = False, **env: str) -> Result:
        """previewed: with its preview first, as people run it."""
        skipped = () if previewed else ("--skip-preview",)
        return self._watched("up", "--yes", *skipped, *words, ok=ok, **env)

    def preview(self, *words: str, ok: bool | None = True, **env: str) -> Result:
        return self._watched("preview", *words, ok=ok, **env)

    def refresh(self, *words: str, ok: bool | None = True, **env: str) -> Result:
        return self._watched("refresh", "--yes", "--skip-preview", *words, ok=ok, **env)

    def destroy(self, *words: str, ok: bool | None = True, **env: str) -> Result:
        return self._watched("destroy", "--yes", "--skip-preview", *words, ok=ok, **env)

    def import_(self, kind: str, name: str, id_: str, *words: str, ok: bool | None = True) -> Result:
        where = ("--out", str(self.directory / "imported.yaml"), "--protect=false", "--yes", "--skip-preview")
        return self.run("import", f"polykomos:index:{kind}", name, id_, *where, *words, ok=ok)

    def assert_no_changes(self) -> None:
        """A second up finds nothing to do."""
        result = self.preview("--expect-no-changes")
        assert not result.ops, result.output

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in plain text."""
        return checkpoint.outputs(self._deployment(), PASSPHRASE)

    def state(self) -> dict[str, Any]:
        """What `pulumi stack export` prints: secrets encrypted as they are stored."""
        return {"version": 3, "deployment": self._deployment()}

    def resource(self, name: str) -> dict[str, Any]:
        """One resource of the checkpoint, secrets as `pulumi stack export --show-secrets` prints them."""
        shown = checkpoint.shown(self._deployment(), PASSPHRASE)
        (found,) = [r for r in shown["resources"] if r["urn"].endswith(f"::{name}")]
        return found

    def _deployment(self) -> dict[str, Any]:
        project = yaml.safe_load((self.directory / "Pulumi.yaml").read_text())["name"]
        return checkpoint.deployment(self.directory / ".state" / ".pulumi" / "stacks" / project / "dev.json")


def _environment(directory: Path) -> dict[str, str]:
    home, state = directory / ".home", directory / ".state"
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "POLYKOMOS_"))},
        "HOME": str(home),
        "PULUMI_HOME": str(home / ".pulumi"),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DEBUG_COMMANDS": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "NO_COLOR": "1",
        **dict(vault.environment()),
    }


@functools.cache
def _initialized(pulumi: str, *, quick: bool) -> Path:
    """A directory after `pulumi stack init dev`, with the plugin installed and its schema in Pulumi's cache.

    The command takes 0.5 s, nearly all for its key; a copy takes none. With the cached schema each command starts the
    plugin once less.
    """
    directory = Path(tempfile.mkdtemp(prefix="pulumi-stack-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    for name in (".home", ".state"):
        (directory / name).mkdir()
    (directory / "Pulumi.yaml").write_text(yaml.dump({"name": "story", "runtime": "yaml"}))
    home = directory / ".home" / ".pulumi"
    _install(directory, "polykomos", quick=quick)
    _command(directory, pulumi, "stack", "init", "dev", *(("--secrets-provider", vault.URL) if quick else ()))
    # Whatever comes of it: a program that names the package has its schema fetched.
    (directory / "Pulumi.yaml").write_text(yaml.dump(_ANY_PROGRAM))
    for _ in range(3):  # Pulumi gives a plugin 10 seconds to respond, which may be too few on a busy machine
        output = _command(directory, pulumi, "preview")
        if (home / "schemas").exists():
            break
    else:
        raise AssertionError(output)
    for made in home.iterdir():  # which stack is selected in this directory, and a log
        if made.name not in ("plugins", "schemas"):
            shutil.rmtree(made)
    return directory


def _install(directory: Path, vendor: str, *, quick: bool) -> None:
    program = f"pulumi-resource-{vendor}"
    command = quick_plugin.command(program) if quick else (require(program),)
    plugins = directory / ".home" / ".pulumi" / "plugins"
    quick_plugin.install(plugins / f"resource-{vendor}-v{VERSION}", program, command)


def _command(directory: Path, *command: str) -> str:
    done = subprocess.run(
        [*command, "--non-interactive"], cwd=directory, env=_environment(directory), capture_output=True, text=True
    )
    return done.stdout + done.stderr


def _select(stack: str, directory: Path) -> None:
    """What `pulumi stack select` does: a file of the user's, by the hash of the program's path."""
    workspaces = directory / ".home" / ".pulumi" / "workspaces"
    workspaces.mkdir(parents=True)
    path = hashlib.sha1(str(directory.resolve() / "Pulumi.yaml").encode(), usedforsecurity=False).hexdigest()
    (workspaces / f"story-{path}-workspace.json").write_text(json.dumps({"stack": stack}))


def _judged(result: Result, words: tuple[str, ...], ok: bool | None) -> Result:
    assert ok is None or (result.status == 0) is ok, (
        f"pulumi {' '.join(words)}: status {result.status}\n{result.output}"
    )
    frames = re.findall(r'File "(.+?)", line', result.output)
    is_of_host = bool(frames) and all(frame.endswith(_HOST_FRAMES) for frame in frames)
    assert is_of_host or "Traceback (most recent call last)" not in result.output, result.output
    return result
