"""Run the background workers for as long as this process counts as alive."""

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

_RETRY_SECONDS: Final = 0.2
_LOG_EVERY: Final = 50  # failed attempts
_log = logging.getLogger("controlplane")


class DatabaseServerExitedError(ControlPlaneError):
    """The embedded PostgreSQL server has ended, so the control plane cannot go on."""


async def supervise(services: Services, workers: Sequence[Worker]) -> None:
    """Run all workers without end. When this process loses its lease, restart them with another process number.

    Raises:
        DatabaseServerExitedError: The embedded server has ended.
    """
    while True:
        tasks = [asyncio.create_task(_keep_running(worker, services)) for worker in workers]
        try:
            await services.lease.wait_lost()
            _log.warning("the connection that shows that this process is alive was lost: its work starts again")
        finally:
            # Other processes may have taken over the work by now.
            await worker_pool.cancel_and_wait(tasks)
        await _acquire_another_number(services)


async def _keep_running(worker: Worker, services: Services) -> None:
    while True:
        try:
            await worker(services)
        except Exception:
            _log.exception("a background worker failed and is started again")
            await asyncio.sleep(1)


async def _acquire_another_number(services: Services) -> None:
    """Acquire the lease again as soon as the server can be reached.

    Raises:
        DatabaseServerExitedError: The embedded server has ended.
    """
    attempts = 0
    while True:
        try:
            await services.lease.acquire()
            # The pool's connections are probably lost too.
            await services.pool.check()
        except (psycopg.OperationalError, PoolTimeout) as error:
            if services.server.has_ended():
                raise DatabaseServerExitedError(
                    "PostgreSQL has ended. Start `polykomos dev` again; committed data is not lost."
                ) from None
            if attempts % _LOG_EVERY == 0:
                _log.warning("PostgreSQL cannot be reached", extra={"facts": {"error": type(error).__name__}})
            attempts += 1
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            _log.warning("this process is back", extra={"facts": {"process_no": services.process_id}})
            services.notifiers.notify_all()
            return
