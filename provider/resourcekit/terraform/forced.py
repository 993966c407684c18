"""Replacements that the engine forces on a protected object: `-replace` and taint.

The engine asks for the plan of a new object, as for any create, and at apply destroys the dependents of the old object
before that. A refusal there comes too late for the dependents, so the plan of the new object is refused.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from resourcekit import engine_program
from resourcekit.engine_program import Engine
from resourcekit.errors import ResourceError
from resourcekit.sameness import alike
from resourcekit.terraform import held
from resourcekit.unknown import has_unknown

_NAMES: Final = ("terraform", "tofu")


class Forced:
    """The protected objects that the engine has spoken of in this process.

    Args:
        running: The engine that runs this process; None where it cannot be found.
    """

    def __init__(self, running: Callable[[], Engine | None] = lambda: engine_program.running(_NAMES)) -> None:
        self._running = running
        self._protected: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
        self._asked: frozenset[str] | None = None
        self._lock = threading.Lock()

    def note(self, type_name: str, id: str, reason: str | None, state: Mapping[str, Any]) -> None:
        """Remember why an object must stay, or that it need not."""
        if reason is not None:
            self._protected[type_name, id] = reason, state
        else:
            self._protected.pop((type_name, id), None)

    def refuse(self, type_name: str, arguments: Mapping[str, Any]) -> None:
        """Raise ResourceError where the plan of a new object is that of a replacement of a protected one.

        Args:
            type_name: Of the object that is planned.
            arguments: Of that object. For a command with `-target`, which may leave an object alone that it would
                replace otherwise, they must be the old object's.
        """
        mine = {id_: found for (type_, id_), found in self._protected.copy().items() if type_ == type_name}
        if not mine:
            return
        engine = self._running()
        if engine is None:
            return
        words = held.with_environment(engine.words, os.environ)
        is_limited = bool(engine_program.options(words, "target"))
        for id_ in sorted(mine.keys() & self._forced(engine, words)):
            reason, state = mine[id_]
            is_old = all(has_unknown(each) or alike(each, state.get(name)) for name, each in arguments.items())
            if is_old or not is_limited:
                raise ResourceError(f"cannot replace: {reason}")

    def _forced(self, engine: Engine, words: Sequence[str]) -> frozenset[str]:
        with self._lock:
            if self._asked is None:
                state = engine.ask("state", "pull")
                self._asked = frozenset(forced_in(state, engine_program.options(words, "replace")))
            return self._asked


def forced_in(state: Any, replaced: Iterable[str]) -> Iterator[str]:
    """Return the ids of the managed objects that are tainted or have one of these addresses. Pure."""
    addresses = {address.replace(" ", "") for address in replaced}
    resources = state.get("resources") or [] if isinstance(state, Mapping) else []
    for resource in resources:
        if resource.get("mode") != "managed":
            continue
        for instance in resource.get("instances") or []:
            is_current = "deposed" not in instance
            if is_current and (instance.get("status") == "tainted" or _address(resource, instance) in addresses):
                yield str((instance.get("attributes") or {}).get("id"))


def _address(resource: Mapping[str, Any], instance: Mapping[str, Any]) -> str:
    module = f"{resource['module']}." if resource.get("module") else ""
    key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
    return f"{module}{resource.get('type')}.{resource.get('name')}{key}".replace(" ", "")
