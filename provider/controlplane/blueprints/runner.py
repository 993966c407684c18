"""Running one application in the tenant's database, as the tenant, in one transaction (api-facts S23, S24).

Exactly once over kill -9: the tenant's transaction and our row cannot commit together, they are in two databases. But
they are on one server, whose transaction ids outlive any process. So the transaction's id is written to our row just
before its COMMIT; the process that takes over asks the server what became of it. Without an id nothing was committed.
It is written only while the row is ours: a process that was taken for dead though it lives commits nothing any more.

On the tenant's session we run no query after the tenant's first statement but the pin and transaction control: the id
is taken before, and the record goes over a connection of our own (postgres.sessions).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from typing import Final

import psycopg

from controlplane.blueprints import application_store
from controlplane.blueprints import mysql_runner as mysql_running
from controlplane.blueprints.session_settings import Limits
from controlplane.blueprints.splitter import split
from controlplane.blueprints.statement_runner import message_of, run_statements
from controlplane.db.pool import Connection, Row
from controlplane.engines.mysql.engine import MysqlEngine
from controlplane.engines.postgres.sessions import closing, ended_after, open_session, pin
from controlplane.services import Services

LIMITS: Final = Limits(statement_ms=600_000, lock_ms=10_000)
_COMMIT_SECONDS: Final = LIMITS.statement_ms / 1000 + 5  # deferred triggers run in it
_END_MS: Final = 10_000
# libpq's text of a refused connection names host, port and user too; only the server's own words are passed on.
_FATAL: Final = re.compile(r"FATAL: +([^\n]+)")
_log = logging.getLogger("controlplane.blueprints")


async def run_application(services: Services, row: Row, database: Row) -> None:
    """Bring an application that this process owns to its end; what the SQL does wrong is recorded, not raised."""
    engine = services.engines.of(database["db_type"])
    try:
        if isinstance(engine, MysqlEngine):
            await mysql_running.run_application(services, engine, row, database)
        else:
            await _run(services, row, database)
    except application_store.LostOwnershipError:
        _log.warning("an application was taken over by another process", extra={"facts": {"application": row["id"]}})


async def give_up(services: Services, row: Row, database: Row, reason: str) -> None:
    """End an application that cannot be run: as completed where it was committed all the same, else as failed."""
    engine = services.engines.of(database["db_type"])
    if isinstance(engine, MysqlEngine):
        status, error = await mysql_running.given_up(engine, row, reason)
    elif await _ended_and_committed(services, row):
        status, error = "completed", None
    else:
        status, error = "failed", f"{reason} Nothing was changed."
    await _finish(services, row, status, error=error)


async def _run(services: Services, row: Row, database: Row) -> None:
    if await _ended_and_committed(services, row):
        await _finish(services, row, "completed")
        return
    if database["status"] == "deleted":
        await _finish(services, row, "failed", error="the database was deleted")
        return
    try:
        tenant = await open_session(
            services.server, database["db_name"], user=database["db_username"], password=database["db_password"]
        )
    except psycopg.OperationalError as error:
        told = _FATAL.search(str(error))
        reason = f"the database could not be connected to{f': {told[1]}' if told else ''}"
        _log.warning("no connection to a tenant", extra={"facts": {"application": row["id"], "error": reason}})
        await _finish(services, row, "failed", error=reason)
        return
    async with closing(tenant):
        status, error_message = await _apply(services, row, tenant)
    await _finish(services, row, status, error=error_message)


async def _apply(services: Services, row: Row, tenant: Connection) -> tuple[str, str | None]:
    """The final status, and an error where the log does not hold it."""
    statements = await asyncio.to_thread(split, row["rendered_sql"])
    began = time.monotonic()
    xid = await _begin(services, row, tenant)
    done = await run_statements(services.pool, tenant, statements, LIMITS)
    async with ended_after(services.pool, tenant, _COMMIT_SECONDS):
        if done.error is None:
            done.error = await _deferred(tenant)
        milliseconds = round((time.monotonic() - began) * 1000)
        keeps = done.error is None and not row["is_dry_run"]
        async with services.pool.connection() as conn:
            await application_store.record(conn, row, done, milliseconds=milliseconds, xid=xid if keeps else None)
        if done.error is not None:
            await _roll_back(tenant)
            return ("failed" if row["is_dry_run"] else "rolled_back"), None
        if row["is_dry_run"]:
            await _roll_back(tenant)
            return "completed", None
        try:
            await tenant.execute("COMMIT")
        except psycopg.Error as error:
            # A connection that broke during COMMIT does not tell whether it was done.
            if not (tenant.closed and await _was_committed(services, xid)):
                return "rolled_back", message_of(error)
    return "completed", None


async def _begin(services: Services, row: Row, tenant: Connection) -> str:
    """Note the session in our row, begin the transaction; returns its id."""
    async with services.pool.connection() as conn:
        await application_store.note_session(conn, row, tenant.info.backend_pid)
    await tenant.execute("BEGIN")
    cursor = await tenant.execute("SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text AS xid")
    found = await cursor.fetchone()
    assert found is not None
    return str(found["xid"])


async def _deferred(tenant: Connection) -> str | None:
    """What deferred constraints have to say, so that a dry run reports it too."""
    try:
        async with tenant.pipeline():
            await tenant.execute(pin(tenant, *LIMITS), binary=True)
            await tenant.execute("SET CONSTRAINTS ALL IMMEDIATE")
            await tenant.execute(pin(tenant, *LIMITS), binary=True)
    except psycopg.Error as error:
        return message_of(error)
    return None


async def _roll_back(tenant: Connection) -> None:
    if not tenant.closed:
        with contextlib.suppress(psycopg.OperationalError):  # a session that is lost is rolled back by the server
            await tenant.execute("ROLLBACK")


async def _ended_and_committed(services: Services, row: Row) -> bool:
    """Whether an earlier try was committed. Its session is ended first: it may hold locks that the next one needs."""
    if row["backend_pid"] is not None:
        async with services.pool.connection() as conn:
            await conn.execute(
                "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s",
                (_END_MS, row["backend_pid"], row["backend_start"]),
            )
    return await _was_committed(services, row["xid"])


async def _was_committed(services: Services, xid: object) -> bool:
    """What became of a transaction whose end nobody saw; waits while the server is still at it."""
    if xid is None:
        return False
    async with services.pool.connection() as conn:
        while True:
            cursor = await conn.execute("SELECT pg_xact_status(%s::xid8) AS status", (str(xid),))
            found = await cursor.fetchone()
            if found is None or found["status"] != "in progress":
                return bool(found and found["status"] == "committed")
            await services.notifiers.applications.wait(0.2)


async def _finish(services: Services, row: Row, status: str, *, error: str | None = None) -> None:
    async with services.pool.connection() as conn:
        await application_store.finish(conn, row, status, services.clock.now(), error=error)
    services.notifiers.applications.notify()
