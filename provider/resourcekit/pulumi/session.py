"""The session of one configured provider: the package, its client, and the stack's state."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.idempotency import IdempotencyKeys, OwnershipRegistry
from resourcekit.lifecycle import Lifecycle
from resourcekit.package import Package
from resourcekit.pending_changes import PendingChanges
from resourcekit.pulumi.deletion_guard import DeletionGuard, RunState
from resourcekit.pulumi.engine_log import EngineLog, ResourceLog
from resourcekit.pulumi.failed_resources import FailedResources
from resourcekit.pulumi.properties import read_entry, request_redactor
from resourcekit.pulumi.replacement_guard import ReplacementGuard
from resourcekit.pulumi.stack_export import StackEntry, StackExport


class PulumiSession:
    """The session that all RPCs share. The engine calls from many threads at once.

    Attributes:
        package: The vendor's package.
        lifecycles: The lifecycle of each resource by type.
        engine: The engine's log.
        api: The vendor's client; None until the settings are known.
        has_program: Whether the settings are those of a program; else they are those of the stack's state.
        cancel: Set when the user stops the run.
        pending_changes: The changes that the run has planned.
        instance: The provider's id in the stack's state.
        reference: The provider's reference in the stack's resources.
        stack: The stack's state.
        ownership: The objects that the run and the state own.
        replacements: Rejects forced replacements of protected objects.
        run: The engine's calls in the run.
        failed: The resources whose call failed.
        deletions: Rejects deletions that precede that of a protected object.
    """

    def __init__(self, package: Package[Any], engine: EngineLog) -> None:
        self.package = package
        self.lifecycles = {
            f"{package.name}:index:{resource.name}": Lifecycle(package, resource) for resource in package.resources
        }
        self.engine = engine
        self.api: Any = None
        self.cancel = threading.Event()
        self.pending_changes = PendingChanges()
        self.has_program = False
        self.configure("", "")

    def configure(self, urn: str, id: str) -> None:
        """Begin a run with a configuration.

        Args:
            urn: The provider's URN.
            id: The provider's id, which the engine created on the first use and stored in the state.
        """
        self.cancel, self.pending_changes = threading.Event(), PendingChanges()
        self.instance = id
        self.reference = f"{urn}::{id}" if id else ""
        self.stack = StackExport(urn, id)
        self.ownership = OwnershipRegistry(self.stack.resource_refs)
        self.replacements = ReplacementGuard(self.stack)
        self.run = RunState(self.reference)
        self.failed = FailedResources()
        self.deletions = DeletionGuard(self.stack, self.run, self._protection)

    def idempotency_keys(self, token: str, urn: str) -> IdempotencyKeys:
        """Return the keys for a create call.

        Another version of the SDK, or an explicit provider instead of the default one, is another instance. The create
        call uses the key of the oldest instance in the state, after a search with the keys of the other instances
        (docs/decisions/0014-keys.md).
        """
        if not self.instance:
            # The engine passes no id for its providers, so the keys are random.
            return IdempotencyKeys(token, None, self.ownership)
        seed, *others = (f"{instance} {urn}" for instance in self.stack.instances(self.package.name))
        replaced = self.replacements.id_of(urn)
        return IdempotencyKeys(token, seed, self.ownership, other_seeds=tuple(others), replaced=replaced)

    def _protection(self, entry: StackEntry) -> str | None:
        """Return why a resource of the state must not be deleted, or None if it may be."""
        lifecycle = self.lifecycles.get(str(entry.get("type")))
        return None if lifecycle is None else lifecycle.deletion_blocked_reason(read_entry(lifecycle.resource, entry))

    def context(
        self,
        request: Message,
        seconds: float,
        *,
        account: str | None = None,
        null_entries: Mapping[str, Any] | None = None,
    ) -> Context[Any]:
        """Return the context of one operation (`make_context`).

        Raises:
            ResourceError: The provider's settings are not known yet.
        """
        if self.api is None:
            raise ResourceError(
                "the provider's settings are not known yet, so it cannot reach the API. Make what they come from first "
                "(`pulumi up --target URN`), or give the settings in the configuration or in the environment"
            )
        return make_context(
            ResourceLog(self.engine, getattr(request, "urn", ""), request_redactor(request)),
            seconds,
            package=self.package,
            api=self.api,
            cancel=self.cancel,
            pending_changes=self.pending_changes,
            ownership=self.ownership,
            account=account,
            null_entries=null_entries,
        )

    def preview_context(self, request: Message, account: str | None = None) -> Context[Any] | None:
        """Return the context of a preview, or None while the settings are not known and it must do without the API."""
        return None if self.api is None else self.context(request, 120, account=account)


class RpcGroup:
    """A group of RPCs over one session."""

    def __init__(self, session: PulumiSession) -> None:
        self.session = session

    @property
    def package(self) -> Package[Any]:
        """The vendor's package."""
        return self.session.package


def make_context(
    row: ResourceLog,
    seconds: float,
    *,
    package: Package[Any],
    api: Any,
    cancel: threading.Event,
    ownership: OwnershipRegistry,
    pending_changes: PendingChanges | None = None,
    account: str | None = None,
    idempotency_keys: IdempotencyKeys | None = None,
    null_entries: Mapping[str, Any] | None = None,
) -> Context[Any]:
    """Return the context of one operation, which ends after `seconds`, or when `cancel` is set.

    Args:
        row: The resource's log.
        seconds: The time limit.
        package: The vendor's package.
        api: The vendor's client.
        cancel: Set when the user stops the run.
        ownership: The objects that the run and the state own.
        pending_changes: The changes that the run has planned for other objects.
        account: The account in the object's state.
        idempotency_keys: The keys for a create call.
        null_entries: The null entries that the arguments of a create leave out (`Context.null_entries`).
    """
    deadline = time.monotonic() + seconds
    return Context(
        api=package.with_deadline(api, deadline, cancel, row.info),
        deadline=deadline,
        cancel=cancel,
        progress=row.progress,
        info=row.info,
        warn=row.warn,
        idempotency_keys=idempotency_keys or IdempotencyKeys(),
        null_entries=null_entries or {},
        pending_changes=pending_changes or PendingChanges(),
        account=account,
        ownership=ownership,
    )
