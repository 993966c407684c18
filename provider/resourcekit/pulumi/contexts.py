"""An operation's surroundings on this engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from resourcekit.context import Context
from resourcekit.keys import Keys, Ledger
from resourcekit.moving import Moving
from resourcekit.package import Package
from resourcekit.pulumi.engine import Row


def context_for(
    row: Row,
    seconds: float,
    *,
    package: Package[Any],
    api: Any,
    cancel: threading.Event,
    ledger: Ledger,
    moving: Moving | None = None,
    account: str | None = None,
    keys: Keys | None = None,
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
        api=package.bound(api, deadline, cancel, row.info),
        deadline=deadline,
        cancel=cancel,
        progress=row.progress,
        info=row.info,
        warn=row.warn,
        keys=keys or Keys(),
        null_entries=null_entries or {},
        moving=moving or Moving(),
        account=account,
        ledger=ledger,
    )
