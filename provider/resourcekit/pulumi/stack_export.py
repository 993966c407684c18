"""What the stack's state holds, as the engine exports it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from resourcekit.idempotency import ResourceRefs
from resourcekit.plugin import engine_cli

_NAMES: Final = ("pulumi",)
_PROVIDERS: Final = "pulumi:providers:"
# A property of ours that states have beside what is declared: the account that the object belongs to.
ACCOUNT: Final = "__account"
StackEntry = Mapping[str, Any]


@dataclass(frozen=True)
class DeploymentState:
    """A stack's deployment. pending: the operations that an engine that was killed has not ended."""

    resources: tuple[StackEntry, ...]
    pending: tuple[StackEntry, ...] = ()

    @property
    def resource_refs(self) -> ResourceRefs:
        """Token and id of every resource that has one, those to be deleted included."""
        return frozenset((str(each.get("type")), str(each["id"])) for each in self.resources if each.get("id"))

    @property
    def names(self) -> frozenset[str]:
        """The logical name of every resource."""
        return frozenset(str(each.get("urn")).rpartition("::")[2] for each in self.resources)

    def accounts(self, package: str) -> frozenset[str]:
        """Return the accounts that the package's objects belong to, as far as the state records them."""
        outputs = (each.get("outputs") or {} for each in self.resources if package in str(each.get("type")))
        return frozenset(account for each in outputs if isinstance(account := each.get(ACCOUNT), str))

    def instances(self, package: str) -> list[str]:
        """Return the ids of the package's provider instances, the one made first in front.

        A resource or a pending operation may name one that has no entry of its own any more: it counts as the oldest.
        """
        kind = f"{_PROVIDERS}{package}"
        made = {str(each["id"]): _made_at(each) for each in self.resources if each.get("type") == kind}
        for each in (*self.resources, *(one.get("resource") or {} for one in self.pending)):
            urn, _, id_ = str(each.get("provider") or "").rpartition("::")
            if urn_type(urn) == kind and id_:
                made.setdefault(id_, "")
        return sorted(made, key=lambda id_: (made[id_], id_))


class StackExport:
    """The stack that one configured provider works for.

    Args:
        urn: Of the provider, or of any resource of the stack. Empty: there is no stack to ask about.
        instance: The id of the provider, which the stack's state holds. A stack of the same name in another place, to
            which the name alone may lead, has another one. None: the provider has no instance, as a dynamic one.

    """

    def __init__(self, urn: str, instance: str | None) -> None:
        self._name = urn_stack(urn)
        self._instance = instance
        self._asked = False
        self._state: DeploymentState | None = None
        self._lock = threading.Lock()

    @property
    def is_known(self) -> bool:
        """Whether there is a stack to ask about."""
        return bool(self._name)

    def state(self) -> DeploymentState | None:
        """Return the state as it was when it was first needed, or None if the engine cannot be asked."""
        with self._lock:
            if not self._asked:
                self._state, self._asked = self.latest(), True
            return self._state

    def latest(self) -> DeploymentState | None:
        """Return the state as it stands now, or None if the engine cannot be asked. Takes 0.3 s."""
        return read_state(self._name, self._instance) if self._name else None

    def resource_refs(self) -> ResourceRefs | None:
        """Return what `state` holds."""
        state = self.state()
        return None if state is None else state.resource_refs

    def instances(self, package: str) -> list[str]:
        """Return the ids of the package's provider instances, the oldest first, this provider's own among them."""
        state = self.state()
        found = [] if state is None else state.instances(package)
        return found if self._instance in found or not self._instance else [*found, self._instance]


def read_state(name: str, instance: str | None) -> DeploymentState | None:
    """Ask the engine for the stack of this name; None where it cannot be asked, or the stack is another one."""
    engine = engine_cli.find_parent_engine(_NAMES) or engine_cli.find_on_path(_NAMES)
    if engine is None:
        return None
    # The name that the user gave may lead where the bare one does not: `organization/project/stack`.
    given = [*engine.options("stack"), *engine.options("s")]
    for each in dict.fromkeys([*given, name]):
        found = parse_export(engine.run_json("stack", "export", "--stack", each, "--non-interactive"), instance)
        if found is not None:
            return found
    return None


def parse_export(exported: Any, instance: str | None) -> DeploymentState | None:
    """Return the state in an export; None where it does not hold the provider instance. Pure."""
    deployment = exported.get("deployment") if isinstance(exported, Mapping) else None
    if not isinstance(deployment, Mapping):
        return None
    state = DeploymentState(tuple(_entries(deployment, "resources")), tuple(_entries(deployment, "pending_operations")))
    is_ours = instance is None or any(
        kind.startswith(_PROVIDERS) and id_ == instance for kind, id_ in state.resource_refs
    )
    return state if is_ours else None


def _made_at(entry: StackEntry) -> str:
    """A text that sorts by time: RFC 3339 in UTC, whose fraction the engine writes without zeros at its end."""
    return str(entry.get("created") or "").removesuffix("Z")


def _entries(deployment: Mapping[str, Any], name: str) -> Iterator[StackEntry]:
    given: Iterable[Any] = deployment.get(name) or []
    return (each for each in given if isinstance(each, Mapping))


def urn_stack(urn: str) -> str:
    """The stack's name, the first part of a URN."""
    return urn.removeprefix("urn:pulumi:").split("::")[0]


def urn_type(urn: str) -> str:
    """The resource's type: the last part of the third, which begins with its parents'. Empty for what is no URN."""
    parts = urn.split("::")
    return parts[2].split("$")[-1] if len(parts) > 2 else ""
