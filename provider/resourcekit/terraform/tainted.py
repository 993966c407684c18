"""Guard of protected objects that the state marks as tainted.

The engine requests the plan of a replacement for them, as for any create. During the apply it destroys the dependents
of the old object before the object. A refusal there would come too late for the dependents, so the provider refuses the
plan of the replacement.
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
_UNREADABLE: Final = (
    ". The plan contains a new object with the same arguments, and `state pull` failed, so the provider cannot "
    "determine whether the new object replaces the protected one. Run the command again; if it fails again, run `state "
    "pull` to see why"
)


class TaintedGuard:
    """The protected objects whose states the engine has sent to this process.

    Args:
        running: Returns the engine that started this process; None if it cannot be found.
    """

    def __init__(self, running: Callable[[], EngineCli | None] = lambda: engine_cli.find_parent_engine(_NAMES)) -> None:
        self._running = running
        self._protected: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
        self._is_read = False
        self._tainted_ids: frozenset[str] | None = None
        self._lock = threading.Lock()

    def record(self, type_name: str, id: str, reason: str | None, state: Mapping[str, Any]) -> None:
        """Record why an object must not be deleted; None if it may be."""
        if reason is not None:
            self._protected[type_name, id] = reason, state
        else:
            self._protected.pop((type_name, id), None)

    def check_create(self, type_name: str, arguments: Mapping[str, Any]) -> None:
        """Refuse the plan of a new object that replaces a tainted, protected one.

        A command with a limit (`-target`, `-exclude`) may leave a tainted object alone. For such a command, the plan is
        refused only if its arguments are those of the old object. The same applies if the engine cannot print its
        state: then every protected object may be tainted.

        Args:
            type_name: The type of the planned object.
            arguments: The arguments of the planned object.

        Raises:
            ResourceError: The plan replaces a tainted, protected object.
        """
        of_type = {id_: entry for (type_, id_), entry in self._protected.copy().items() if type_ == type_name}
        if not of_type:
            return
        engine = self._running()
        if engine is None:
            return
        words = state_pull.with_environment(engine.args, os.environ)
        tainted = self._tainted(engine)
        is_limited = tainted is None or any(engine_cli.flag_values(words, name) for name in _LIMITS)
        for id_ in sorted(of_type.keys() if tainted is None else of_type.keys() & tainted):
            reason, state = of_type[id_]
            is_old = all(
                contains_unknown(each) or json_equal(each, state.get(name)) for name, each in arguments.items()
            )
            if is_old or not is_limited:
                raise ResourceError(f"cannot replace: {reason}{_UNREADABLE if tainted is None else ''}")

    def _tainted(self, engine: EngineCli) -> frozenset[str] | None:
        """Return the ids of the tainted objects, read on first use, or None if the engine cannot print its state."""
        with self._lock:
            if not self._is_read:
                state, self._is_read = engine.run_json("state", "pull"), True
                self._tainted_ids = None if state is None else frozenset(find_tainted(state))
            return self._tainted_ids


def find_tainted(state: Any) -> Iterator[str]:
    """Yield the ids of the tainted managed objects in a state."""
    for resource in state_pull.managed_resources(state):
        for instance in resource.instances:
            if instance.is_tainted and not instance.is_deposed:
                yield str(instance.id)
