"""An operation's surroundings on this engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from resourcekit.context import Context
from resourcekit.keys import IdempotencyKeys, OwnershipRegistry
from resourcekit.moving import PendingChanges
from resourcekit.package import Package
from resourcekit.pulumi.engine import ResourceLog


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
