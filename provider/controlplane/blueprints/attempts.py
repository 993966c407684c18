"""Trying an application again that failed for a reason of our own, and giving it up when that will recur.

What the tenant's SQL does wrong is an outcome, not a failure of a try. Left are outages and our faults.
An outage passes, so it is waited for. Anything else that happens three times alike will happen again.
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
_PAUSE_SECONDS: Final = 1.0  # doubled with each try
_LONGEST_PAUSE: Final = 60.0
# Classes of SQLSTATE: connection exception, operator intervention (the server is stopped or starts).
_OUTAGES: Final = ("08", "57P")
_log = logging.getLogger("controlplane.blueprints")


async def run(services: Services, row: Row, database: Row) -> None:
    """Run an application that this process owns. Raises what is worth another try, once the row is given back."""
    try:
        await runner.run_application(services, row, database)
    except Exception as error:
        if not await _ended(services, row, database, error):
            raise


async def _ended(services: Services, row: Row, database: Row, error: Exception) -> bool:
    """Give the row back for another try, or end it where there is no use in one. True: it has ended."""
    reason = reason_of(error)
    async with services.pool.connection() as conn:
        cursor = await conn.execute(
            "UPDATE blueprint_applications SET tries = tries + %(counted)s, last_reason = %(reason)s, tries_alike ="
            " CASE WHEN last_reason = %(reason)s THEN tries_alike + %(counted)s ELSE %(counted)s END"
            " WHERE id = %(id)s AND owner = %(owner)s RETURNING *",
            {"counted": int(not is_outage(error)), "reason": reason, "id": row["id"], "owner": row["owner"]},
        )
        noted = await cursor.fetchone()
    if noted is None:
        return True  # another process has taken it over
    facts = {"application": row["id"], "tries": noted["tries"], "reason": reason}
    if noted["tries_alike"] >= MOST_ALIKE or noted["tries"] >= MOST:
        _log.error("an application is given up", exc_info=error, extra={"facts": facts})
        told = f"The control plane could not run it: {reason}. It was tried {noted['tries']} times."
        await runner.give_up(services, noted, database, told)
        return True
    _log.error("an application was broken off and is tried again", exc_info=error, extra={"facts": facts})
    pause = min(_LONGEST_PAUSE, _PAUSE_SECONDS * 2 ** max(0, noted["tries"] - 1))
    async with services.pool.connection() as conn:
        await conn.execute(
            "UPDATE blueprint_applications SET owner = %s, not_before = clock_timestamp() + %s * interval '1 second'"
            " WHERE id = %s AND owner = %s",
            (NO_OWNER, pause, row["id"], row["owner"]),
        )
    return False


def is_outage(error: Exception) -> bool:
    """Whether it passes by itself. Pure."""
    if isinstance(error, EngineUnavailableError | PoolTimeout | asyncio.TimeoutError | ConnectionError):
        return True
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return error.sqlstate is None or error.sqlstate.startswith(_OUTAGES)
    return False


def reason_of(error: Exception) -> str:
    """What may be shown to the user: the server's own words, else the kind of error. Pure."""
    told = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return shortened(told) if told else f"internal error ({type(error).__name__})"
