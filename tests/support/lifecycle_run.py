"""One object of a program at the level of the kit's lifecycle: the real client and server, without an engine.

It does what engines do with the results: it stores the id and the state of an incomplete object, and creates,
updates or replaces by the plan.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from controlplane.registry import VENDORS
from resourcekit.context import Context
from resourcekit.errors import CheckError, ResourceError
from resourcekit.lifecycle import Lifecycle
from resourcekit.package import Package
from resourcekit.planning.validate import validate_declaration
from resourcekit.provider_config import configure_client
from support.control_plane import ControlPlane

_IMPORT = re.compile(r"import it by (?:the|its) id (?P<id>[^;]+);")


def new_run(
    plane: ControlPlane | None, vendor: str, resource: str, *, seconds: float = 60, **settings: Any
) -> LifecycleRun:
    """An object of a vendor whose reference server is at the plane. Each progress of a wait puts its clock forward."""
    package = importlib.import_module(f"{vendor}.package").package()
    if plane is None:
        return LifecycleRun(package, resource, settings, seconds=seconds)
    base_url = f"{plane.origin}{VENDORS[vendor].style.prefix}"
    every = {"base_url": base_url, **(settings or {"api_key": plane.api_key})}
    return LifecycleRun(package, resource, every, seconds=seconds, tick=lambda text: plane.advance(30))


class LifecycleRun:
    """The object of one resource. id: empty before the create. said: all infos and warnings.

    seconds: the time-out of each operation. tick: called with each progress text.
    """

    def __init__(
        self,
        package: Package[Any],
        resource: str,
        settings: Mapping[str, Any],
        *,
        seconds: float = 60,
        tick: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.package = package
        self.lifecycle = Lifecycle(package, next(each for each in package.resources if each.name == resource))
        self.api = configure_client(package, settings, "test", lambda text: None)
        self.id, self.complete = "", True
        self.state: dict[str, Any] = {}
        self.inputs: dict[str, Any] = {}
        self.said: list[str] = []
        self.seconds, self.tick = seconds, tick

    def context(self) -> Context[Any]:
        """The context of one operation."""
        ctx = Context(self.api, time.monotonic() + self.seconds, progress=self.tick)
        ctx.info, ctx.warn = self.said.append, lambda text, attribute="": self.said.append(text)
        ctx.api = self.package.with_deadline(self.api, ctx.deadline, ctx.cancel, self.said.append)
        return ctx

    def up(self, **arguments: Any) -> str:
        """Create, update or replace the object; return which, or "same". Raises what the user would read."""
        checked = validate_declaration(self.lifecycle.resource, arguments)
        if checked.failures:
            raise CheckError(checked.failures)
        if not self.id:
            return self._created(checked.values)
        ctx = self.context()
        difference = self.lifecycle.diff(state=self.state, old_inputs=self.inputs, news=checked.values, ctx=ctx)
        plan = self.lifecycle.plan_changes(self.id, difference, args=checked.values, state=self.state, ctx=ctx)
        if plan.replaces:
            self.destroy()
            return self._created(checked.values) and "replace"
        if not difference.changed and self.complete and not self.lifecycle.is_incomplete(self.state):
            return "same"
        result = self.lifecycle.update(self.id, checked.values, self.state, difference.changed, self.context())
        self._record(result, checked.values)
        return "update"

    def refresh(self) -> None:
        """Read the object; the id is empty if it is gone."""
        found = self.lifecycle.read(self.id, self.state, self.inputs, self.context())
        if found is None:
            self.id, self.state, self.inputs = "", {}, {}
        else:
            self.state, self.inputs = found.state, found.inputs

    def destroy(self) -> None:
        """Delete the object."""
        if self.id:
            self.lifecycle.delete(self.id, self.state, self.context())
        self.id, self.state, self.inputs, self.complete = "", {}, {}, True

    def import_(self, id: str) -> None:
        """Adopt an object by its id."""
        found = self.lifecycle.read(id, {}, {}, self.context())
        assert found is not None, f"{id} cannot be imported"
        self.id, self.state, self.inputs, self.complete = found.id, found.state, found.inputs, True

    def until_done(self, run: Callable[[], object], most: int = 3) -> list[str]:
        """Run, and run again where it failed, with the import that the message asks for. Return the failures."""
        failures: list[str] = []
        while True:
            try:
                run()
            except ResourceError as error:
                failures.append(str(error))
                assert "internal error" not in failures[-1]
                assert len(failures) < most, failures
                if wanted := _IMPORT.search(failures[-1]):
                    self.import_(wanted["id"])
            else:
                return failures

    def _created(self, arguments: dict[str, Any]) -> str:
        self._record(self.lifecycle.create(arguments, self.context()), arguments)
        return "create"

    def _record(self, result: Any, arguments: dict[str, Any]) -> None:
        self.id, self.state, self.inputs = result.id, result.state, arguments
        self.complete = not result.incomplete_reason
        if result.incomplete_reason:
            raise ResourceError(result.incomplete_reason)
