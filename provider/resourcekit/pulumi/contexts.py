"""An operation's surroundings on this engine."""

from __future__ import annotations

import threading
import time
from typing import Any

from resourcekit.context import Context
from resourcekit.keys import Ledger
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
) -> Context[Any]:
    """What an operation is given. row: where it speaks. It ends after `seconds`, or when `cancel` is set."""
    deadline = time.monotonic() + seconds
    return Context(
        api=package.bound(api, deadline, cancel, row.info),
        deadline=deadline,
        cancel=cancel,
        progress=row.progress,
        info=row.info,
        warn=row.warn,
        moving=moving or Moving(),
        ledger=ledger,
    )
