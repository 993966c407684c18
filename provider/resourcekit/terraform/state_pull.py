"""The objects in the workspace's state, from the engine's `state pull`."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resourcekit.idempotency import ResourceRefs
from resourcekit.plugin import engine_cli

_NAMES = ("terraform", "tofu")


def read_refs(seen: ResourceRefs) -> ResourceRefs | None:
    """Return the type and id of every managed object in the current state, including deposed ones.

    Args:
        seen: The objects that the engine has named in this run. A state without any of them is another state.

    Returns:
        The objects; None if the state cannot be read, or is another one.
    """
    # The parent process, not the engine on PATH: a `--debug` process does not run in the configuration's directory.
    engine = engine_cli.find_parent_engine(_NAMES)
    if engine is None:
        return None
    states = [engine.run_json("state", "pull"), *map(_read, _files(engine.args, os.environ))]
    refs: set[tuple[str, str]] = set()
    for state in states:
        in_state = parse_state(state)
        if in_state is None:
            return None
        refs |= in_state
    return frozenset(refs) if refs & seen or not seen else None


@dataclass(frozen=True)
class Instance:
    """An object of a managed resource in a state file.

    Attributes:
        id: The id; None if the state has none.
        is_tainted: Whether it is to be replaced.
        is_deposed: Whether another object has replaced it already.
        private: The private state, in Base64; empty if there is none.
    """

    id: str | None
    is_tainted: bool
    is_deposed: bool
    private: str


@dataclass(frozen=True)
class ManagedResource:
    """A managed resource in a state file.

    Attributes:
        module: The address of its module; empty for the root module.
    """

    type: str
    name: str
    module: str
    instances: tuple[Instance, ...]


def managed_resources(state: Any) -> Iterator[ManagedResource]:
    """Yield the managed resources of a state (`state pull`); none if the state cannot be read."""
    resources = state.get("resources") if isinstance(state, Mapping) else None
    for each in resources or ():
        if each.get("mode") == "managed":
            instances = tuple(map(_instance, each.get("instances") or ()))
            yield ManagedResource(
                str(each.get("type")), str(each.get("name")), str(each.get("module") or ""), instances
            )


def _instance(entry: Mapping[str, Any]) -> Instance:
    id_ = (entry.get("attributes") or {}).get("id")
    return Instance(
        id=None if id_ is None else str(id_),
        is_tainted=entry.get("status") == "tainted",
        is_deposed="deposed" in entry,
        private=str(entry.get("private") or ""),
    )


def parse_state(state: Any) -> ResourceRefs | None:
    """Return the managed objects of a state; None if it cannot be read."""
    if not isinstance(state, Mapping) or (state and "resources" not in state):
        return None
    return frozenset(
        (resource.type, instance.id)
        for resource in managed_resources(state)
        for instance in resource.instances
        if instance.id is not None
    )


def current_workspace(env: Mapping[str, str]) -> str:
    """Return the name of the selected workspace."""
    workspace = env.get("TF_WORKSPACE")
    if workspace:
        return workspace
    try:
        return (Path(env.get("TF_DATA_DIR") or ".terraform") / "environment").read_text().strip() or "default"
    except (OSError, ValueError):
        return "default"


def with_environment(words: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the engine's command line with the options of TF_CLI_ARGS and TF_CLI_ARGS_<command>."""
    command = next((word for word in words if not word.startswith("-")), "")
    try:
        added = [word for name in ("", f"_{command}") for word in shlex.split(env.get(f"TF_CLI_ARGS{name}", ""))]
    except ValueError:
        added = []
    return [*added, *words]


def _files(words: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the files of `-state` and `-state-out`. `state pull` shows the configuration's state instead of them."""
    args = with_environment(words, env)
    return [*engine_cli.flag_values(args, "state"), *engine_cli.flag_values(args, "state-out")]


def _read(path: str) -> Any:
    """Return the content of a state file: empty if there is no file yet, None if it cannot be read."""
    try:
        return json.loads(Path(path).read_bytes() or b"{}")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return None
