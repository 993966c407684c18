"""Run one application in the tenant's database, as the tenant, in one transaction (api-facts S23, S24).

Exactly once, also if the process is killed: the tenant's transaction and the application's row are in two databases, so
they cannot commit together. But both databases are on one server, whose transaction ids stay known after a process has
ended. So the transaction's id is written to the row just before the COMMIT, and the process that takes over reads the
transaction's status from the server. Without an id, nothing was committed. The id is written only while this process
owns the row, so a process that only seemed to have ended does not commit any more.

After the tenant's first statement, the tenant's session runs no query of the control plane except the pin and
transaction control. The id is read before, and the log is recorded over another connection (postgres.sessions).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from typing import Final

import psycopg

from controlplane.blueprints import application_store, mysql_runner
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
# Applications of one database run at the same time. One that met another one's object is repeated: it then sees it.
_TRIES_BESIDE_OTHERS: Final = 3
# libpq's text of a rejected connection names host, port and user too; only the server's message is passed on.
_FATAL: Final = re.compile(r"FATAL: +([^\n]+)")
_log = logging.getLogger("controlplane.blueprints")


async def run_application(services: Services, row: Row, database: Row) -> None:
    """Run an application that this process owns until it has ended. An error of the SQL is recorded, not raised."""
    engine = services.engines.of(database["db_type"])
    try:
        if isinstance(engine, MysqlEngine):
            await mysql_runner.run_application(services, engine, row, database)
        else:
            await _run(services, row, database)
    except application_store.LostOwnershipError:
        _log.warning("an application was taken over by another process", extra={"facts": {"application": row["id"]}})


async def give_up(services: Services, row: Row, database: Row, reason: str) -> None:
    """End an application that cannot be run: as completed if an attempt was committed, else as failed.

    `reason` is a sentence.
    """
    engine = services.engines.of(database["db_type"])
    if isinstance(engine, MysqlEngine):
        status, error = await mysql_runner.status_when_given_up(engine, row, reason)
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
        fatal = _FATAL.search(str(error))
        reason = f"the database could not be connected to{f': {fatal[1]}' if fatal else ''}"
        _log.warning("no connection to a tenant", extra={"facts": {"application": row["id"], "error": reason}})
        await _finish(services, row, "failed", error=reason)
        return
    async with closing(tenant):
        status, error_message = await _apply(services, row, tenant)
    await _finish(services, row, status, error=error_message)


async def _apply(services: Services, row: Row, tenant: Connection) -> tuple[str, str | None]:
    """Return the final status, and an error if the log does not contain it."""
    statements = await asyncio.to_thread(split, row["rendered_sql"])
    began = time.monotonic()
    for _ in range(_TRIES_BESIDE_OTHERS):
        xid = await _begin(services, row, tenant)
        log = await run_statements(services.pool, tenant, statements, LIMITS)
        if not log.met_another:
            break
        await _roll_back(tenant)
    async with ended_after(services.pool, tenant, _COMMIT_SECONDS):
        if log.error is None:
            log.error = await _deferred_error(tenant)
        milliseconds = round((time.monotonic() - began) * 1000)
        commits = log.error is None and not row["is_dry_run"]
        async with services.pool.connection() as conn:
            await application_store.record(conn, row, log, milliseconds=milliseconds, xid=xid if commits else None)
        if log.error is not None:
            await _roll_back(tenant)
            return ("failed" if row["is_dry_run"] else "rolled_back"), None
        if row["is_dry_run"]:
            await _roll_back(tenant)
            return "completed", None
        try:
            await tenant.execute("COMMIT")
        except psycopg.Error as error:
            # If the connection broke during COMMIT, only the server knows whether it was carried out.
            if not (tenant.closed and await _was_committed(services, xid)):
                return "rolled_back", message_of(error)
    return "completed", None


async def _begin(services: Services, row: Row, tenant: Connection) -> str:
    """Record the tenant's session, begin its transaction, and return the transaction's id."""
    async with services.pool.connection() as conn:
        await application_store.note_session(conn, row, tenant.info.backend_pid)
    await tenant.execute("BEGIN")
    return str(await tenant.fetch_value("SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text"))


async def _deferred_error(tenant: Connection) -> str | None:
    """Check deferred constraints before the COMMIT, so that a dry run reports their error too."""
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
        with contextlib.suppress(psycopg.OperationalError):  # the server rolls a lost session back
            await tenant.execute("ROLLBACK")


async def _ended_and_committed(services: Services, row: Row) -> bool:
    """Return whether an earlier attempt was committed.

    Its session is terminated first, because it may have locks that the next attempt needs.
    """
    if row["backend_pid"] is not None:
        async with services.pool.connection() as conn:
            await conn.execute(
                "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s",
                (_END_MS, row["backend_pid"], row["backend_start"]),
            )
    return await _was_committed(services, row["xid"])


async def _was_committed(services: Services, xid: object) -> bool:
    """Return whether a transaction was committed. Wait while it is in progress."""
    if xid is None:
        return False
    async with services.pool.connection() as conn:
        while True:
            status = await conn.fetch_value("SELECT pg_xact_status(%s::xid8)", (str(xid),))
            if status != "in progress":
                return bool(status == "committed")
            await services.notifiers.applications.wait(0.2)


async def _finish(services: Services, row: Row, status: str, *, error: str | None = None) -> None:
    async with services.pool.connection() as conn:
        await application_store.finish(conn, row, status, services.clock.now(), error=error)
    services.notifiers.applications.notify()
