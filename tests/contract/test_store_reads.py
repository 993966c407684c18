"""BatchedReads on a real store: how many queries, how fresh an answer is, and what a failure or a cancellation does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from controlplane.db.batched_reads import BatchedReads
from controlplane.db.pool import Connection, Pool, Row, make_pool
from support import server_admin
from support.control_plane import SCOPE_KEYS, ControlPlane

TEAMS = "SELECT id, name FROM teams WHERE id = ANY(%s)"


class Teams:
    """A query of teams that counts its runs. The first one waits in the middle until `gate` is set."""

    def __init__(self) -> None:
        self.runs: list[list[int]] = []
        self.is_running = asyncio.Event()
        self.gate = asyncio.Event()

    async def read(self, conn: Connection, numbers: Sequence[int]) -> Mapping[int, Row]:
        self.runs.append(sorted(numbers))
        cursor = await conn.execute(TEAMS, (numbers,))
        rows = {row["id"]: row for row in await cursor.fetchall()}
        self.is_running.set()
        await self.gate.wait()
        return rows


def on_store(plane: ControlPlane, test: Callable[[BatchedReads, Pool], Awaitable[None]]) -> None:
    async def run() -> None:
        async with make_pool(server_admin.url(plane)) as pool:
            await asyncio.wait_for(test(BatchedReads(pool), pool), 60)

    asyncio.run(run())


def test_reads_that_wait_together_share_a_query(control_plane: ControlPlane) -> None:
    async def test(reads: BatchedReads, _: Pool) -> None:
        teams = Teams()
        teams.gate.set()
        rows = await asyncio.gather(*(reads.get(teams.read, number) for number in (1, 2, 1, -5)))
        assert [row and row["id"] for row in rows] == [1, 2, 1, None]
        assert teams.runs == [[-5, 1, 2]]

    on_store(control_plane, test)


def test_a_read_sees_what_was_committed_before_it_while_an_older_query_runs(control_plane: ControlPlane) -> None:
    async def test(reads: BatchedReads, pool: Pool) -> None:
        teams = Teams()
        async with pool.connection() as conn:
            cursor = await conn.execute("INSERT INTO teams (name, created_at) VALUES ('old', now()) RETURNING id")
            row = await cursor.fetchone()
            assert row is not None
            number = row["id"]
            first = asyncio.create_task(reads.get(teams.read, number))
            await teams.is_running.wait()
            await conn.execute("UPDATE teams SET name = 'new' WHERE id = %s", (number,))
        later = [asyncio.create_task(reads.get(teams.read, number)) for _ in range(20)]
        await asyncio.sleep(0.05)
        teams.gate.set()
        found, *newer = await asyncio.gather(first, *later)
        assert found is not None
        assert found["name"] == "old"
        assert {row and row["name"] for row in newer} == {"new"}
        assert teams.runs == [[number], [number]]

    on_store(control_plane, test)


def test_a_failure_reaches_all_that_share_the_query_and_no_one_else(control_plane: ControlPlane) -> None:
    async def test(reads: BatchedReads, _: Pool) -> None:
        async def fail(conn: Connection, keys: Sequence[int]) -> Mapping[int, Row]:
            await conn.execute("SELECT 1 / %s", (len(keys) - 2,))
            return {}

        results = await asyncio.gather(*(reads.get(fail, key) for key in (1, 2)), return_exceptions=True)
        assert [type(result) for result in results] == [psycopg.errors.DivisionByZero] * 2
        assert await reads.get(fail, 1) is None

    on_store(control_plane, test)


def test_a_cancelled_read_leaves_the_others_alone(control_plane: ControlPlane) -> None:
    async def test(reads: BatchedReads, _: Pool) -> None:
        teams = Teams()
        tasks = [asyncio.create_task(reads.get(teams.read, 1)) for _ in range(3)]
        await teams.is_running.wait()
        tasks[0].cancel()
        await asyncio.sleep(0)
        teams.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError, dict, dict]

    on_store(control_plane, test)


def test_without_a_free_connection_a_read_fails_and_the_next_one_works(control_plane: ControlPlane) -> None:
    async def test(reads: BatchedReads, pool: Pool) -> None:
        teams = Teams()
        teams.gate.set()
        taken = [await pool.getconn() for _ in range(pool.max_size)]
        pool.timeout = 0.2
        with pytest.raises(psycopg.OperationalError):  # PoolTimeout is one
            await reads.get(teams.read, 1)
        pool.timeout = 30
        for conn in taken:
            await pool.putconn(conn)
        assert await reads.get(teams.read, 1) is not None
        assert teams.runs == [[1]]

    on_store(control_plane, test)


def test_a_key_that_is_revoked_in_the_store_is_refused_from_then_on(control_plane: ControlPlane) -> None:
    """Clients call all the time, so that a query is always under way when the key changes."""
    clients = 8
    is_called, is_revoked = threading.Barrier(clients + 1, timeout=60), threading.Event()

    def statuses() -> tuple[int, set[int]]:
        """The first status, and those of calls that were sent after the change."""
        with control_plane.client(SCOPE_KEYS["webhooks:write"]) as api:
            first = api.get("/me").status_code
            is_called.wait()
            while not is_revoked.is_set():
                api.get("/me")
            return first, {api.get("/me").status_code for _ in range(10)}

    with server_admin.connect(control_plane) as conn, ThreadPoolExecutor(clients) as threads:
        try:
            results = [threads.submit(statuses) for _ in range(clients)]
            is_called.wait()
            conn.execute("SELECT pg_sleep(0.3)")
            conn.execute("UPDATE api_keys SET status = 'revoked' WHERE name = 'webhooks:write'")
            is_revoked.set()
            assert [result.result() for result in results] == [(200, {403})] * clients
        finally:
            is_revoked.set()
            conn.execute("UPDATE api_keys SET status = 'active' WHERE name = 'webhooks:write'")
