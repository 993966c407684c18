"""Carry out the runs of jobs: each task is a process of its own, with retries, a time-out and logs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import tempfile
from typing import Final

from controlplane.db.pool import Row
from controlplane.db.process_lease import WITH_LIVE_PROCESSES
from controlplane.services import Services
from controlplane.vendors.polnor.login import forget_expired
from controlplane.worker_pool import LOOK_EVERY, run_queue

_AT_ONCE: Final = 4
_CANCEL_LOOK: Final = 0.2  # seconds
_TERM_SECONDS: Final = 5.0  # from SIGTERM to SIGKILL
_LOG_BYTES: Final = 256 * 1024
_LOST: Final = "The service was restarted while the task ran.\n"
# Runs the command $1, and ends its process group when stdin is at its end.
_ENDING_WITH_THE_SERVER: Final = """
exec 3<&0 < /dev/null
(read -r _ <&3; kill -s KILL 0) > /dev/null 2>&1 &
exec 3<&-
exec /bin/sh -c "$1"
"""
_log = logging.getLogger("controlplane.polnor")


async def run_worker(services: Services) -> None:
    """Carry out queued runs, until cancelled."""
    await run_queue(
        services.pool,
        services.notifiers.vendor_jobs,
        _AT_ONCE,
        lambda conn: conn.fetch_one(
            WITH_LIVE_PROCESSES + " UPDATE polnor_runs SET status = 'running', owner = %(me)s, started_at = %(now)s"  # noqa: S608
            " WHERE id = (SELECT id FROM polnor_runs WHERE status = 'pending' AND %(me)s IN (TABLE living)"
            "  ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *",
            {"me": services.process_id, "now": services.clock.now()},
        ),
        lambda run: _Run(services, run).carry_out(),
    )


async def cleanup_worker(services: Services) -> None:
    """Fail the runs of ended processes, until cancelled. Their tasks' processes ended with them."""
    while True:
        async with services.pool.connection() as conn, conn.transaction():
            await forget_expired(conn, services.clock.now())
            rows = await conn.fetch_all(
                WITH_LIVE_PROCESSES + " UPDATE polnor_runs SET status = 'failed', owner = NULL, finished_at = %s"  # noqa: S608
                " WHERE status = 'running' AND owner NOT IN (TABLE living) RETURNING id",
                (services.clock.now(),),
            )
            for row in rows:
                await conn.execute(
                    "UPDATE polnor_tasks SET logs = CASE status WHEN 'running' THEN logs || %s ELSE logs END,"
                    " status = CASE status WHEN 'running' THEN 'failed' ELSE 'cancelled' END"
                    " WHERE run_id = %s AND status IN ('pending', 'running')",
                    (_LOST, row["id"]),
                )
        await asyncio.sleep(LOOK_EVERY)


class _Run:
    """One run: its tasks start as soon as those that they depend on have succeeded."""

    def __init__(self, services: Services, run: Row) -> None:
        self._services = services
        self._id: str = run["id"]
        self._cancelled = asyncio.Event()
        self._states: dict[str, str] = {}

    async def carry_out(self) -> None:
        """Run all tasks and record how the run ended."""
        async with self._services.pool.connection() as conn:
            tasks = await conn.fetch_all("SELECT * FROM polnor_tasks WHERE run_id = %s ORDER BY position", (self._id,))
        watch = asyncio.create_task(self._watch())
        try:
            await self._run_all(tasks)
        finally:
            watch.cancel()
        failed = any(state == "failed" for state in self._states.values())
        status = "cancelled" if self._cancelled.is_set() else "failed" if failed else "success"
        async with self._services.pool.connection() as conn:
            await conn.execute(
                "UPDATE polnor_runs SET status = %s, owner = NULL, finished_at = %s WHERE id = %s AND owner = %s",
                (status, self._services.clock.now(), self._id, self._services.process_id),
            )

    async def _run_all(self, tasks: list[Row]) -> None:
        waiting = {task["key"]: task for task in tasks}
        running: dict[asyncio.Task[None], str] = {}
        while waiting or running:
            for key, task in list(waiting.items()):
                before = [self._states.get(name) for name in task["depends_on"]]
                if self._cancelled.is_set() or any(state in ("failed", "cancelled") for state in before):
                    await self._record(key, "cancelled")
                    del waiting[key]
                elif all(state == "success" for state in before):
                    running[asyncio.create_task(self._run_task(task))] = key
                    del waiting[key]
            if running:
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    del running[each]
                    each.result()

    async def _run_task(self, task: Row) -> None:
        for attempt in range(task["max_retries"] + 1):
            await self._record(task["key"], "running", retry_count=attempt)
            succeeded, output = await self._execute(task)
            state = "cancelled" if self._cancelled.is_set() and not succeeded else "success" if succeeded else "failed"
            last = state != "failed" or attempt == task["max_retries"]
            await self._record(task["key"], state if last else "running", retry_count=attempt, output=output)
            if last:
                return

    async def _execute(self, task: Row) -> tuple[bool, str]:
        """Run a task's command once. Return whether it succeeded, and what it printed."""
        # The end of the pipe that the process reads closes when this process dies, even by kill -9.
        watched, own = os.pipe()
        with tempfile.TemporaryDirectory() as directory, contextlib.closing(os.fdopen(own, "wb")):
            process = await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                _ENDING_WITH_THE_SERVER,
                "sh",
                task["command"],
                cwd=directory,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": directory, "POLNOR_RUN_ID": self._id},
                stdin=watched,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
            os.close(watched)
            reading = asyncio.create_task(_read_bounded(process))
            cancelled = asyncio.create_task(self._cancelled.wait())
            ended = asyncio.create_task(process.wait())
            try:
                await asyncio.wait(
                    (ended, cancelled), timeout=task["timeout_seconds"], return_when=asyncio.FIRST_COMPLETED
                )
                note = "" if ended.done() else "Cancelled.\n" if self._cancelled.is_set() else "Timed out.\n"
                await _end(process)
            finally:
                cancelled.cancel()
                _signal(process, signal.SIGKILL)
            return await ended == 0 and not note, await reading + note

    async def _record(self, key: str, state: str, *, retry_count: int = 0, output: str = "") -> None:
        self._states[key] = state
        async with self._services.pool.connection() as conn:
            await conn.execute(
                "UPDATE polnor_tasks SET status = %s, retry_count = greatest(retry_count, %s), logs = logs || %s"
                " WHERE run_id = %s AND key = %s",
                (state, retry_count, output.replace("\x00", ""), self._id, key),
            )

    async def _watch(self) -> None:
        """Set the event of the cancellation when it is requested."""
        while not self._cancelled.is_set():
            async with self._services.pool.connection() as conn:
                if await conn.fetch_value("SELECT is_cancelled FROM polnor_runs WHERE id = %s", (self._id,)):
                    self._cancelled.set()
            await asyncio.sleep(_CANCEL_LOOK)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process that still runs, and those that it started: SIGTERM, then SIGKILL."""
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _TERM_SECONDS)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


async def _read_bounded(process: asyncio.subprocess.Process) -> str:
    """Return the beginning of what a process prints, and read the rest."""
    assert process.stdout is not None
    found = b""
    while chunk := await process.stdout.read(65536):
        found = (found + chunk)[:_LOG_BYTES]
    return found.decode(errors="replace")
