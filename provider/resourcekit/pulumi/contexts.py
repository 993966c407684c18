"""An operation's surroundings on this engine."""

from __future__ import annotations

import threading
import time
from typing import Any

from resourcekit.context import Context
from resourcekit.moving import Moving
from resourcekit.pulumi.engine import EngineLog
from resourcekit.resource import Package


def context_for(
    urn: str,
    seconds: float,
    *,
    package: Package[Any],
    api: Any,
    engine: EngineLog,
    cancel: threading.Event,
    moving: Moving | None = None,
) -> Context[Any]:
    """What an operation on the resource `urn` is given; it ends after `seconds`, or when `cancel` is set."""
    deadline = time.monotonic() + seconds
    return Context(
        api=package.bound(api, deadline, cancel, lambda text: engine.info(urn, text)),
        deadline=deadline,
        cancel=cancel,
        progress=lambda text: engine.progress(urn, text),
        info=lambda text: engine.info(urn, text),
        warn=lambda text: engine.warn(urn, text),
        moving=moving or Moving(),
    )
