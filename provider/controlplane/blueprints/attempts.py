"""Attempts of applications: retry after an outage or an internal error, and give up if the error recurs.

An error in the tenant's SQL is a result and not retried. An outage ends, so it is retried without limit. Any other
error that occurs three times in the same form will recur.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout

from controlplane.blueprints import runner
from controlplane.blueprints.statement_runner import shortened
from controlplane.db.pool import Row
from controlplane.db.process_lease import NO_OWNER
from controlplane.engines.base import EngineUnavailableError
from controlplane.services import Services

MOST_ALIKE: Final = 3
MOST: Final = 10
_PAUSE_SECONDS: Final = 1.0  # doubled with each attempt
_LONGEST_PAUSE: Final = 60.0
# Classes of SQLSTATE: connection exception, operator intervention (the server is stopped or starts).
_OUTAGES: Final = ("08", "57P")
_log = logging.getLogger("controlplane.blueprints")


async def run(services: Services, row: Row, database: Row) -> None:
    """Run an application that this process owns.

    Raises:
        Exception: An error after which another attempt is scheduled.
    """
    try:
        await runner.run_application(services, row, database)
    except Exception as error:
        if not await _handle_error(services, row, database, error):
            raise


async def _handle_error(services: Services, row: Row, database: Row, error: Exception) -> bool:
    """Schedule another attempt, or give the application up. Return whether it has ended for this process."""
    reason = reason_of(error)
    async with services.pool.connection() as conn:
        updated = await conn.fetch_one(
            "UPDATE blueprint_applications SET tries = tries + %(counted)s, last_reason = %(reason)s, tries_alike ="
            " CASE WHEN last_reason = %(reason)s THEN tries_alike + %(counted)s ELSE %(counted)s END"
            " WHERE id = %(id)s AND owner = %(owner)s RETURNING *",
            {"counted": int(not is_outage(error)), "reason": reason, "id": row["id"], "owner": row["owner"]},
        )
    if updated is None:
        return True  # another process has taken it over
    facts = {"application": row["id"], "tries": updated["tries"], "reason": reason}
    if updated["tries_alike"] >= MOST_ALIKE or updated["tries"] >= MOST:
        _log.error("an application is given up", exc_info=error, extra={"facts": facts})
        message = f"The control plane could not run it: {reason}. It was tried {updated['tries']} times."
        await runner.give_up(services, updated, database, message)
        return True
    _log.error("an application was interrupted and is tried again", exc_info=error, extra={"facts": facts})
    pause = min(_LONGEST_PAUSE, _PAUSE_SECONDS * 2 ** max(0, updated["tries"] - 1))
    async with services.pool.connection() as conn:
        await conn.execute(
            "UPDATE blueprint_applications SET owner = %s, not_before = clock_timestamp() + %s * interval '1 second'"
            " WHERE id = %s AND owner = %s",
            (NO_OWNER, pause, row["id"], row["owner"]),
        )
    return False


def is_outage(error: Exception) -> bool:
    """Return whether an error is an outage, which ends without a change of the application. Pure."""
    if isinstance(error, EngineUnavailableError | PoolTimeout | asyncio.TimeoutError | ConnectionError):
        return True
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return error.sqlstate is None or error.sqlstate.startswith(_OUTAGES)
    return False


def reason_of(error: Exception) -> str:
    """Return the reason that the user may see: the server's message, else the error's class. Pure."""
    message = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return shortened(message) if message else f"internal error ({type(error).__name__})"
