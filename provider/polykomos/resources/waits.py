"""How a resource waits for the API: within the operation's time, ended by Ctrl-C, with a progress line."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypedDict

from resourcekit.context import Context

if TYPE_CHECKING:
    from polykomos.client import Client
    from polykomos.client.polling import Progress


class WaitOptions(TypedDict):
    """What the client's `wait_for_…` calls take."""

    timeout: float
    cancel: threading.Event
    progress: Progress


def wait_options(ctx: Context[Client], doing: str) -> WaitOptions:
    """Return the options of a wait. doing: for the progress line, such as "provisioning"."""
    return WaitOptions(
        timeout=ctx.remaining(),
        cancel=ctx.cancel,
        progress=lambda seconds: ctx.progress(f"{doing}, {seconds:.0f} s"),
    )
