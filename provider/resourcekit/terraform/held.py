"""What the workspace's state holds, asked of the engine."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resourcekit import engine_program
from resourcekit.keys import Objects

_NAMES = ("terraform", "tofu")


def objects(told: Objects) -> Objects | None:
    """Type and id of every managed object in the state as it stands, deposed ones included; None = cannot be told.

    told: what the engine has spoken of in this run. A state that knows nothing of it is another one.
    """
    # One of PATH would not do: where we run detached, this directory is not the configuration's.
    engine = engine_program.running(_NAMES)
    if engine is None:
        return None
    states = [engine.ask("state", "pull"), *map(_read, _files(engine.words, os.environ))]
    held: set[tuple[str, str]] = set()
    for state in states:
        found = objects_of(state)
        if found is None:
            return None
        held |= found
    return frozenset(held) if held & told or not told else None


def objects_of(state: Any) -> Objects | None:
    """The managed objects of a state; None where it is none that can be read. Pure."""
    if not isinstance(state, Mapping) or (state and "resources" not in state):
        return None
    return frozenset(
        (str(resource.get("type")), str((instance.get("attributes") or {}).get("id")))
        for resource in state.get("resources") or []
        if resource.get("mode") == "managed"
        for instance in resource.get("instances") or []
    )


def workspace(env: Mapping[str, str]) -> str:
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
    return [*engine_program.options(every, "state"), *engine_program.options(every, "state-out")]


def _read(path: str) -> Any:
    """A state file; nothing where there is none yet."""
    try:
        return json.loads(Path(path).read_bytes() or b"{}")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return None
