"""Wait for the end of background work after the commit, for calls such as `POST /databases?wait=true`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Container
from typing import Final

from controlplane.db.pool import Connection, Row
from controlplane.http.responses import ApiResponse
from controlplane.notifier import Subscription
from controlplane.services import Services

_POLL_SECONDS: Final = 1.0  # another process may have changed the row, which notifies nobody here


def wait_for_status(
    services: Services,
    *,
    seconds: int,
    final_statuses: Container[str],
    subscribe: Callable[[], Subscription],
    read: Callable[[Connection], Awaitable[Row]],
    respond: Callable[[Row, float], ApiResponse],
) -> Callable[[], Awaitable[ApiResponse]]:
    """Return what waits until a row has a final status; it goes into `ApiResponse.after_commit`.

    The wait ends early when the time is over or the process is stopping. The first subscription is made at once, before
    the commit, so that no notification is lost.

    Args:
        services: The pool, and the event that is set when the process stops.
        seconds: The longest wait.
        final_statuses: Values of the row's `status` that end the wait.
        subscribe: Subscribes to notifications about the row.
        read: Reads the row.
        respond: Makes the response from the last row and the seconds that the wait took.
    """
    first = subscribe()

    async def wait() -> ApiResponse:
        started = time.monotonic()
        subscription = first
        while True:
            await subscription.wait(min(_POLL_SECONDS, seconds - (time.monotonic() - started)))
            subscription = subscribe()
            async with services.pool.connection() as conn:
                row = await read(conn)
            waited = time.monotonic() - started
            if row["status"] in final_statuses or waited >= seconds or services.stopping.is_set():
                return respond(row, waited)

    return wait
