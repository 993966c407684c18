"""Options for waits at the API: the operation's remaining time, its cancel event and a progress line."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypedDict

from resourcekit.context import Context

if TYPE_CHECKING:
    from polykomos.client import Client
    from polykomos.client.polling import Progress


class WaitOptions(TypedDict):
    """Keyword arguments of the client's `wait_for_…` methods."""

    timeout: float
    cancel: threading.Event
    progress: Progress


def wait_options(ctx: Context[Client], activity: str) -> WaitOptions:
    """Return the options of a wait; `activity` is shown in the progress line, such as "provisioning"."""
    return WaitOptions(
        timeout=ctx.remaining(),
        cancel=ctx.cancel,
        progress=lambda seconds: ctx.progress(f"{activity}, {seconds:.0f} s"),
    )
