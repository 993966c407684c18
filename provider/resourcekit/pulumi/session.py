"""One configured provider: the package, its connection, and what is known of the stack that it works for."""

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
    """Shared by all families of calls; the engine calls from many threads at once.

    api: the vendor's client; None until the settings are known. instance: the provider's id in the stack's state.
    reference: by which the stack's resources name this provider. The others are of the time since it was configured.
    """

    def __init__(self, package: Package[Any], engine: EngineLog) -> None:
        self.package = package
        self.lifecycles = {
            f"{package.name}:index:{resource.name}": Lifecycle(package, resource) for resource in package.resources
        }
        self.engine = engine
        self.api: Any = None
        self.cancel = threading.Event()
        self.moving = PendingChanges()
        # Whether the engine has a program run, whose settings these are; else they are those of the stack's state.
        self.has_program = False
        self.configure("", "")

    def configure(self, urn: str, id: str) -> None:
        """A configuration. id: made by the engine when the program first used this provider, and kept in the state."""
        self.cancel, self.moving = threading.Event(), PendingChanges()
        self.instance = id
        self.reference = f"{urn}::{id}" if id else ""
        self.stack = StackExport(urn, id)
        self.ledger = OwnershipRegistry(self.stack.resource_refs)
        self.forced = ReplacementGuard(self.stack)
        self.run = RunState(self.reference)
        self.failed = FailedResources()
        self.deletions = DeletionGuard(self.stack, self.run, self._protection)

    def keys(self, token: str, urn: str) -> IdempotencyKeys:
        """Return the keys of a creation.

        Another version of the SDK, or an explicit provider in place of the default one, is another instance. The object
        is made with the key of the oldest one that the state names, after those of the others have been looked under
        (docs/decisions/0014-keys.md).
        """
        if not self.instance:
            return IdempotencyKeys(
                token, None, self.ledger
            )  # an engine that does not name its providers leaves keys to chance
        seed, *others = (f"{each} {urn}" for each in self.stack.instances(self.package.name))
        return IdempotencyKeys(token, seed, self.ledger, other_seeds=tuple(others))

    def _protection(self, entry: StackEntry) -> str | None:
        """Why a resource of the state must stay, in words; None when it need not."""
        lifecycle = self.lifecycles.get(str(entry.get("type")))
        return (
            None
            if lifecycle is None
            else lifecycle.deletion_blocked_reason(read_entry(lifecycle.resource.state, entry))
        )

    def context(
        self,
        request: Message,
        seconds: float,
        *,
        account: str | None = None,
        keys: IdempotencyKeys | None = None,
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
            moving=self.moving,
            ledger=self.ledger,
            account=account,
            keys=keys,
            null_entries=null_entries,
        )

    def preview_context(self, request: Message, account: str | None = None) -> Context[Any] | None:
        """For asking the API while previewing; None while the settings are not known, when previews go on without."""
        return None if self.api is None else self.context(request, 120, account=account)


class RpcGroup:
    """Some of the engine's calls, over one session."""

    def __init__(self, session: PulumiSession) -> None:
        self.session = session

    @property
    def package(self) -> Package[Any]:
        """What is declared."""
        return self.session.package


def make_context(
    row: ResourceLog,
    seconds: float,
    *,
    package: Package[Any],
    api: Any,
    cancel: threading.Event,
    ledger: OwnershipRegistry,
    moving: PendingChanges | None = None,
    account: str | None = None,
    keys: IdempotencyKeys | None = None,
    null_entries: Mapping[str, Any] | None = None,
) -> Context[Any]:
    """Return the context of one operation, which ends after `seconds`, or when `cancel` is set.

    Args:
        row: Where the operation reports.
        seconds: How long it may take.
        package: Of the vendor.
        api: The vendor's client.
        cancel: Set when the user stops the run.
        ledger: Which objects belong to whom.
        moving: What this run is going to do to other objects.
        account: The account that the object's state records.
        keys: The idempotency keys of a create.
        null_entries: What the arguments of a create leave out (`Context.null_entries`).
    """
    deadline = time.monotonic() + seconds
    return Context(
        api=package.with_deadline(api, deadline, cancel, row.info),
        deadline=deadline,
        cancel=cancel,
        progress=row.progress,
        info=row.info,
        warn=row.warn,
        idempotency_keys=keys or IdempotencyKeys(),
        null_entries=null_entries or {},
        pending_changes=moving or PendingChanges(),
        account=account,
        ownership=ledger,
    )
