"""The background work of a process, for as long as it counts as alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout

from controlplane import worker_pool
from controlplane.errors import ControlPlaneError
from controlplane.services import Services, Worker

_AGAIN: Final = 0.2  # seconds until the server is tried again
_SAY_EVERY: Final = 50  # tries that fail
_log = logging.getLogger("controlplane")


class DatabaseServerExitedError(ControlPlaneError):
    """The embedded server is gone, and with it everything that could be done."""


async def supervise(services: Services, workers: Sequence[Worker]) -> None:
    """Run all workers, for ever. Raises ServerEnded."""
    while True:
        tasks = [asyncio.create_task(_keep_running(worker, services)) for worker in workers]
        try:
            await services.lease.wait_lost()
            _log.warning("the connection that shows that this process is alive was lost: its work begins anew")
        finally:
            # What they were at is given back: others may be doing it by now.
            await worker_pool.cancel_and_wait(tasks)
        await _take_another_number(services)


async def _keep_running(worker: Worker, services: Services) -> None:
    while True:
        try:
            await worker(services)
        except Exception:
            _log.exception("a background worker failed and is started again")
            await asyncio.sleep(1)


async def _take_another_number(services: Services) -> None:
    """As soon as the server lets us. Raises ServerEnded where it never will."""
    tries = 0
    while True:
        try:
            await services.lease.acquire()
            # The pool's connections have probably gone the same way.
            await services.pool.check()
        except (psycopg.OperationalError, PoolTimeout) as error:
            if services.server.has_ended():
                raise DatabaseServerExitedError(
                    "PostgreSQL has ended. Start again; what was committed is kept."
                ) from None
            if tries % _SAY_EVERY == 0:
                _log.warning("PostgreSQL cannot be reached", extra={"facts": {"error": type(error).__name__}})
            tries += 1
            await asyncio.sleep(_AGAIN)
        else:
            _log.warning("this process is back", extra={"facts": {"process_no": services.process_id}})
            services.notifiers.notify_all()
            return
