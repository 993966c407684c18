"""The stack's state, as `pulumi stack export` prints it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from resourcekit.idempotency import ResourceRefs
from resourcekit.plugin import engine_cli

_NAMES: Final = ("pulumi",)
_PROVIDERS: Final = "pulumi:providers:"
# A property that this provider adds to each state: the account that the object belongs to.
ACCOUNT: Final = "__account"
# And the schema version, if it is not 0.
SCHEMA_VERSION: Final = "__schemaVersion"
StackEntry = Mapping[str, Any]


class StateReadError(Exception):
    """The engine that runs this process cannot export the stack."""


@dataclass(frozen=True)
class DeploymentState:
    """The deployment of a stack.

    Attributes:
        resources: The resources.
        pending: The operations that were running when an engine was killed.
    """

    resources: tuple[StackEntry, ...]
    pending: tuple[StackEntry, ...] = ()

    @property
    def resource_refs(self) -> ResourceRefs:
        """The type and the id of every resource with an id, including those that are pending deletion."""
        return frozenset((str(each.get("type")), str(each["id"])) for each in self.resources if each.get("id"))

    @property
    def names(self) -> frozenset[str]:
        """The logical name of every resource."""
        return frozenset(str(each.get("urn")).rpartition("::")[2] for each in self.resources)

    def accounts(self, package: str) -> frozenset[str]:
        """Return the accounts that the state records for the package's objects."""
        outputs = (each.get("outputs") or {} for each in self.resources if package in str(each.get("type")))
        return frozenset(account for each in outputs if isinstance(account := each.get(ACCOUNT), str))

    def instances(self, package: str) -> list[str]:
        """Return the ids of the package's provider instances, the oldest first.

        A resource or a pending operation may refer to an instance without an entry. It counts as the oldest.
        """
        kind = f"{_PROVIDERS}{package}"
        created = {str(each["id"]): _created_at(each) for each in self.resources if each.get("type") == kind}
        for entry in (*self.resources, *(operation.get("resource") or {} for operation in self.pending)):
            urn, _, id_ = str(entry.get("provider") or "").rpartition("::")
            if urn_type(urn) == kind and id_:
                created.setdefault(id_, "")
        return sorted(created, key=lambda id_: (created[id_], id_))


class StackExport:
    """The stack of one configured provider.

    Args:
        urn: The URN of the provider, or of any resource of the stack. Empty: the stack is not known.
        instance: The id of the provider, which the stack's state contains. It tells the stack from one of the same name
            in another backend or project. None: the provider has no instance, because it is a dynamic one.
    """

    def __init__(self, urn: str, instance: str | None) -> None:
        self._name = urn_stack(urn)
        self._instance = instance
        self._is_read = False
        self._has_failed = False
        self._state: DeploymentState | None = None
        self._lock = threading.Lock()

    @property
    def is_known(self) -> bool:
        """Whether the stack's name is known."""
        return bool(self._name)

    def state(self) -> DeploymentState | None:
        """Return the state, read on first use, or None if it cannot be read. A failed read is not repeated."""
        if self._has_failed:
            return None
        try:
            return self.known_state()
        except StateReadError:
            self._has_failed = True
            return None

    def known_state(self) -> DeploymentState | None:
        """Return the state, read on first use, or None if no engine is found or the engine has another stack.

        Raises:
            StateReadError: The engine cannot export the stack. The next call reads the state again.
        """
        with self._lock:
            if not self._is_read:
                self._state, self._is_read = self._read(), True
            return self._state

    def latest(self) -> DeploymentState | None:
        """Read the state again, which takes 0.3 s. Return None if it cannot be read."""
        try:
            return self._read()
        except StateReadError:
            return None

    def _read(self) -> DeploymentState | None:
        return read_state(self._name, self._instance) if self._name else None

    def resource_refs(self) -> ResourceRefs | None:
        """Return the type and the id of every resource in `state`, or None if it cannot be read."""
        state = self.state()
        return None if state is None else state.resource_refs

    def instances(self, package: str) -> list[str]:
        """Return the ids of the package's provider instances, the oldest first, including this provider's."""
        state = self.state()
        ids = [] if state is None else state.instances(package)
        return ids if self._instance in ids or not self._instance else [*ids, self._instance]


def read_state(name: str, instance: str | None) -> DeploymentState | None:
    """Export the stack of this name with the engine's command line.

    Returns:
        The state, or None if there is no engine or the stack does not contain the provider instance.

    Raises:
        StateReadError: The engine that runs this process cannot export the stack.
    """
    parent = engine_cli.find_parent_engine(_NAMES)
    engine = parent or engine_cli.find_on_path(_NAMES)
    if engine is None:
        return None
    # The user's option may be a full name, `organization/project/stack`, which also works where the short one does not.
    options = [*engine.options("stack"), *engine.options("s")]
    has_export = False
    for stack in dict.fromkeys([*options, name]):
        exported = engine.run_json("stack", "export", "--stack", stack, "--non-interactive")
        has_export = has_export or exported is not None
        state = parse_export(exported, instance)
        if state is not None:
            return state
    if parent is not None and not has_export:
        raise StateReadError(f"`pulumi stack export --stack {name}` failed")
    return None


def parse_export(exported: Any, instance: str | None) -> DeploymentState | None:
    """Return the state in an export, or None if it does not contain the provider instance. Pure."""
    deployment = exported.get("deployment") if isinstance(exported, Mapping) else None
    if not isinstance(deployment, Mapping):
        return None
    state = DeploymentState(tuple(_entries(deployment, "resources")), tuple(_entries(deployment, "pending_operations")))
    has_instance = instance is None or any(
        kind.startswith(_PROVIDERS) and id_ == instance for kind, id_ in state.resource_refs
    )
    return state if has_instance else None


def _created_at(entry: StackEntry) -> str:
    """Return a text that sorts by time: RFC 3339 in UTC. The engine omits trailing zeros of the fraction."""
    return str(entry.get("created") or "").removesuffix("Z")


def _entries(deployment: Mapping[str, Any], name: str) -> Iterator[StackEntry]:
    entries: Iterable[Any] = deployment.get(name) or []
    return (entry for entry in entries if isinstance(entry, Mapping))


def urn_stack(urn: str) -> str:
    """Return the name of the stack in a URN: its first part."""
    return urn.removeprefix("urn:pulumi:").split("::")[0]


def urn_type(urn: str) -> str:
    """Return the resource's type in a URN, without the types of its parents; empty if the text is no URN."""
    parts = urn.split("::")
    return parts[2].split("$")[-1] if len(parts) > 2 else ""
