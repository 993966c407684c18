"""Rehearsing a blueprint before it is kept: in an empty database, so what it refers to may be missing there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Final

from pymysql.err import Error

from controlplane.blueprints.dry_run import SECONDS, DryRunFindings, has_ended, out_of_time
from controlplane.blueprints.mysql import clones, statement_runner
from controlplane.blueprints.mysql.statement_runner import MysqlSession
from controlplane.blueprints.splitter import Statement
from controlplane.engines.mysql.connection import QUERY_EXECUTOR, ConnectionParams, Watchdog, run_in_executor
from controlplane.engines.mysql.engine import MysqlEngine

# What a database with tables of its own may well have: tables, columns of theirs, keys, routines, triggers.
_MISSING: Final = frozenset({1051, 1146, 1305, 1360, 1824, 4091, 4092})
_MISSING_IN_TABLE: Final = frozenset({1054, 1072, 1091, 1176})


async def dry_run(engine: MysqlEngine, statements: Sequence[Statement]) -> DryRunFindings:
    """Errors and warnings, each naming its statement. Raises EngineDown, and ApiError 503 when the time is over."""
    admin = await engine.server.ensure_running()
    return await run_in_executor(QUERY_EXECUTOR, _rehearse, admin, statements)


def _rehearse(admin: ConnectionParams, statements: Sequence[Statement]) -> DryRunFindings:
    found = DryRunFindings([], [])
    errors, warnings, _ = found
    deadline = time.monotonic() + SECONDS
    with (
        clones.clone(admin, None) as clone,
        clone.login.opened(clone.name) as raw,
        Watchdog(admin, raw) as watchdog,
    ):
        session = MysqlSession(raw, watchdog, SECONDS)
        for number, statement in enumerate(statements, 1):
            session.seconds = deadline - time.monotonic()
            if session.seconds <= 0:
                raise out_of_time(number - 1, len(statements))
            outcome = statement_runner.run_statements(
                session, [statement], told=lambda text: text.replace(f"{clone.name}.", "").replace(clone.name, "it")
            )
            error = outcome.run.error
            if error is None:
                continue
            if time.monotonic() >= deadline:
                raise out_of_time(number - 1, len(statements))
            if outcome.code in _MISSING or (outcome.code in _MISSING_IN_TABLE and warnings):
                warnings.append(f"statement {number} could not be rehearsed, the database must have it: {error}")
            else:
                errors.append(f"statement {number}: {error}")
            if outcome.lost or has_ended(found, number, len(statements)):
                break
        with contextlib.suppress(Error):
            raw.rollback()
    return found
