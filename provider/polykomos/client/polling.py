"""Waits for the operations of this API."""

from __future__ import annotations

from typing import Final

from resourcekit.http.polling import PREVIEW_UNSEEN_SECONDS, Progress, poll_until, retry_until_found

__all__ = [
    "ENDED",
    "PREVIEW_UNSEEN_SECONDS",
    "RUNNING",
    "SERVER_WAIT_SECONDS",
    "Progress",
    "poll_until",
    "retry_until_found",
]

# Statuses of a blueprint application.
RUNNING: Final = frozenset({"pending", "running"})
ENDED: Final = frozenset({"completed", "failed", "rolled_back"})

# The longest time that the server may delay a response. The pool and fast engines are ready within it, in one call. A
# slow engine's response has the id, which must be known before a long wait begins (docs/decisions/0003-waits.md).
SERVER_WAIT_SECONDS: Final = 2
