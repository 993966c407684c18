"""What the workspace's state holds, asked of the engine."""

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


def read_refs(told: ResourceRefs) -> ResourceRefs | None:
    """Type and id of every managed object in the state as it stands, deposed ones included; None = cannot be told.

    told: what the engine has spoken of in this run. A state that knows nothing of it is another one.
    """
    # One of PATH would not do: where we run detached, this directory is not the configuration's.
    engine = engine_cli.find_parent_engine(_NAMES)
    if engine is None:
        return None
    states = [engine.run_json("state", "pull"), *map(_read, _files(engine.args, os.environ))]
    held: set[tuple[str, str]] = set()
    for state in states:
        found = parse_state(state)
        if found is None:
            return None
        held |= found
    return frozenset(held) if held & told or not told else None


@dataclass(frozen=True)
class Instance:
    """An object of a managed resource in a state file.

    Attributes:
        id: None where the state has no id.
        is_tainted: Whether it is to be replaced.
        is_deposed: Whether another object has taken its place already.
        private: The private state, in Base64; empty where there is none.
    """

    id: str | None
    is_tainted: bool
    is_deposed: bool
    private: str


@dataclass(frozen=True)
class ManagedResource:
    """A managed resource in a state file. module: its module's address; empty for the root module."""

    type: str
    name: str
    module: str
    instances: tuple[Instance, ...]


def managed_resources(state: Any) -> Iterator[ManagedResource]:
    """Yield the managed resources of a state (`state pull`); none of a state that cannot be read. Pure."""
    resources = state.get("resources") if isinstance(state, Mapping) else None
    for each in resources or ():
        if each.get("mode") == "managed":
            instances = tuple(map(_instance, each.get("instances") or ()))
            yield ManagedResource(
                str(each.get("type")), str(each.get("name")), str(each.get("module") or ""), instances
            )


def _instance(found: Mapping[str, Any]) -> Instance:
    id_ = (found.get("attributes") or {}).get("id")
    return Instance(
        id=None if id_ is None else str(id_),
        is_tainted=found.get("status") == "tainted",
        is_deposed="deposed" in found,
        private=str(found.get("private") or ""),
    )


def parse_state(state: Any) -> ResourceRefs | None:
    """The managed objects of a state; None where it is none that can be read. Pure."""
    if not isinstance(state, Mapping) or (state and "resources" not in state):
        return None
    return frozenset(
        (resource.type, instance.id)
        for resource in managed_resources(state)
        for instance in resource.instances
        if instance.id is not None
    )


def current_workspace(env: Mapping[str, str]) -> str:
    """The name of the workspace that is selected."""
    chosen = env.get("TF_WORKSPACE")
    if chosen:
        return chosen
    try:
        return (Path(env.get("TF_DATA_DIR") or ".terraform") / "environment").read_text().strip() or "default"
    except (OSError, ValueError):
        return "default"


def with_environment(words: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the engine's command line with the options that the environment adds to it."""
    command = next((word for word in words if not word.startswith("-")), "")
    try:
        more = [word for name in ("", f"_{command}") for word in shlex.split(env.get(f"TF_CLI_ARGS{name}", ""))]
    except ValueError:
        more = []
    return [*more, *words]


def _files(words: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """The state files that the engine was told to use instead of the configuration's, which `state pull` shows."""
    every = with_environment(words, env)
    return [*engine_cli.flag_values(every, "state"), *engine_cli.flag_values(every, "state-out")]


def _read(path: str) -> Any:
    """A state file; nothing where there is none yet."""
    try:
        return json.loads(Path(path).read_bytes() or b"{}")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return None
