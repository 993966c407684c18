"""Protected objects that the state marks as tainted.

The engine asks for the plan of a new object in their place, as for any create, and at apply destroys the dependents of
the old object before the object. A refusal there comes too late for the dependents, so the plan of the new object is
refused.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from resourcekit.errors import ResourceError
from resourcekit.fields import json_equal
from resourcekit.plugin import engine_cli
from resourcekit.plugin.engine_cli import EngineCli
from resourcekit.terraform import state_pull
from resourcekit.unknown import contains_unknown

_NAMES: Final = ("terraform", "tofu")
_LIMITS: Final = ("target", "target-file", "exclude", "exclude-file")


class TaintedGuard:
    """The protected objects that the engine has spoken of in this process.

    Args:
        running: The engine that runs this process; None where it cannot be found.
    """

    def __init__(self, running: Callable[[], EngineCli | None] = lambda: engine_cli.find_parent_engine(_NAMES)) -> None:
        self._running = running
        self._protected: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
        self._asked: frozenset[str] | None = None
        self._lock = threading.Lock()

    def record(self, type_name: str, id: str, reason: str | None, state: Mapping[str, Any]) -> None:
        """Remember why an object must stay, or that it need not."""
        if reason is not None:
            self._protected[type_name, id] = reason, state
        else:
            self._protected.pop((type_name, id), None)

    def check_create(self, type_name: str, arguments: Mapping[str, Any]) -> None:
        """Raise ResourceError where the plan of a new object is that of the replacement of a tainted, protected one.

        Args:
            type_name: Of the object that is planned.
            arguments: Of that object. For a command that is limited (`-target`, `-exclude`), which may leave a tainted
                object alone, they must be the old object's.
        """
        mine = {id_: found for (type_, id_), found in self._protected.copy().items() if type_ == type_name}
        if not mine:
            return
        engine = self._running()
        if engine is None:
            return
        words = state_pull.with_environment(engine.args, os.environ)
        is_limited = any(engine_cli.flag_values(words, name) for name in _LIMITS)
        for id_ in sorted(mine.keys() & self._tainted(engine)):
            reason, state = mine[id_]
            is_old = all(
                contains_unknown(each) or json_equal(each, state.get(name)) for name, each in arguments.items()
            )
            if is_old or not is_limited:
                raise ResourceError(f"cannot replace: {reason}")

    def _tainted(self, engine: EngineCli) -> frozenset[str]:
        with self._lock:
            if self._asked is None:
                self._asked = frozenset(find_tainted(engine.run_json("state", "pull")))
            return self._asked


def find_tainted(state: Any) -> Iterator[str]:
    """Yield the ids of the managed objects that are tainted. Pure."""
    for resource in state_pull.managed_resources(state):
        for instance in resource.instances:
            if instance.is_tainted and not instance.is_deposed:
                yield str(instance.id)
