"""Who takes work: only a process that counts as alive, and all that waits at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from controlplane.blueprints import worker
from controlplane.clock import Clock
from controlplane.databases import provisioning, warm_pool
from controlplane.db.migrate import migrate
from controlplane.db.pool import make_pool
from controlplane.db.process_lease import LOCK_CLASS
from controlplane.webhooks import delivery_worker
from support import server_admin
from support.control_plane import ControlPlane

DEAD = 1_000_000  # a number that no process has
# One piece of each kind of work, and three jobs, that a dead process was at.
ABANDONED = f"""
SET session_replication_role = replica;
INSERT INTO databases (id, uuid, team_id, name, db_type, region, plan, status, db_name, db_username, db_password,
                       is_assigned, is_pooled, created_at, updated_at)
SELECT n, gen_random_uuid(), 1, 'd', 'postgres', 'r', 'free', 'provisioning', 'd' || n, 'u' || n, '', false, false,
       now(), now() FROM generate_series(1, 3) n;
INSERT INTO provision_jobs (database_id, state, owner, not_before, created_at)
SELECT n, 'running', {DEAD}, now(), now() FROM generate_series(1, 3) n;
INSERT INTO pool_instances (db_type, owner, created_at) VALUES ('postgres', {DEAD}, now());
INSERT INTO blueprint_applications (blueprint_id, blueprint_version, database_id, user_id, rendered_sql, is_dry_run,
                                    status, owner, statements_total, created_at)
VALUES (1, 1, 1, 1, '', false, 'running', {DEAD}, 0, now());
INSERT INTO webhook_endpoints (user_id, url, events, secret, created_at) VALUES (1, '', '{{}}', '', now());
INSERT INTO webhook_deliveries (endpoint_id, event_type, body, owner, not_before, created_at)
VALUES (1, 'database.deleted', '', {DEAD}, now(), now());
"""


async def claim_job(process: Any) -> Any:
    return (await provisioning._claim(process, is_assigned=False)).item


async def claim_instance(process: Any) -> Any:
    async with process.pool.connection() as conn, conn.transaction():
        return await warm_pool._claim(process, conn, "postgres")


async def claim_application(process: Any) -> Any:
    async with process.pool.connection() as conn:
        return await worker._claim(process, conn)


CLAIMS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "job": claim_job,
    "instance": claim_instance,
    "application": claim_application,
    "delivery": delivery_worker._claim,
}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--pool-size", "0") as plane:
        yield plane


@pytest.fixture
def url(plane: ControlPlane) -> Iterator[str]:
    """A store in which nobody works."""
    with server_admin.connect(plane) as conn:
        conn.execute("CREATE DATABASE claims")
    yield server_admin.url(plane).replace("polykomos_control", "claims")
    with server_admin.connect(plane) as conn:
        conn.execute("DROP DATABASE claims WITH (FORCE)")


def as_process(url: str, do: Callable[[SimpleNamespace, int], Awaitable[None]]) -> None:
    """do(process, number): what a claim needs of Services, and a number that lives."""

    async def whole() -> None:
        async with make_pool(url) as pool:
            async with pool.connection() as conn:
                await migrate(conn)
            with psycopg.connect(url, autocommit=True) as conn:
                conn.execute(ABANDONED)
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as alive:
                number = DEAD + 1
                await alive.execute(f"SELECT pg_advisory_lock({LOCK_CLASS}, {number})")
                engines = SimpleNamespace(hosted=["postgres"])
                process = SimpleNamespace(pool=pool, process_id=DEAD, clock=Clock(), engines=engines, pool_size=1)
                await do(process, number)

    asyncio.run(whole())


@pytest.mark.parametrize("kind", CLAIMS)
def test_only_who_counts_as_alive_claims(url: str, kind: str) -> None:
    """Who has lost its number would take its own work for a dead process's."""

    async def do(process: SimpleNamespace, number: int) -> None:
        assert await CLAIMS[kind](process) is None
        process.process_id = number
        assert await CLAIMS[kind](process) is not None
        assert await CLAIMS[kind](process) is None or kind == "job"

    as_process(url, do)


def test_all_that_a_dead_process_left_is_taken_without_a_pause(url: str) -> None:
    async def do(process: SimpleNamespace, number: int) -> None:
        process.process_id = number
        claims = [await provisioning._claim(process, is_assigned=False) for _ in range(4)]
        assert [claim.item is not None for claim in claims] == [True, True, True, False]
        assert [claim.pause > 0 for claim in claims] == [False, False, True, True]

    as_process(url, do)
