"""Dry run of a blueprint before it is stored: in an empty database, so objects that it refers to may be missing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Final

from pymysql.err import Error

from controlplane.blueprints.dry_run import (
    SECONDS,
    DryRunFindings,
    has_ended,
    missing_object_warning,
    out_of_time,
)
from controlplane.blueprints.mysql import clones, statement_runner
from controlplane.blueprints.mysql.statement_runner import MysqlSession
from controlplane.blueprints.splitter import Statement
from controlplane.engines.mysql.connection import QUERY_EXECUTOR, ConnectionParams, Watchdog, run_in_executor
from controlplane.engines.mysql.engine import MysqlEngine

# Error numbers of missing objects that an existing database may have: tables, columns, keys, routines, triggers.
_MISSING: Final = frozenset({1051, 1146, 1305, 1360, 1824, 4091, 4092})
_MISSING_IN_TABLE: Final = frozenset({1054, 1072, 1091, 1176})


async def dry_run(engine: MysqlEngine, statements: Sequence[Statement]) -> DryRunFindings:
    """Run all statements in a new empty database, and return the findings.

    Raises:
        EngineUnavailableError: MySQL is not available.
        ApiError: 503, the time limit is exceeded.
    """
    admin = await engine.server.ensure_running()
    return await run_in_executor(QUERY_EXECUTOR, _dry_run, admin, statements)


def _dry_run(admin: ConnectionParams, statements: Sequence[Statement]) -> DryRunFindings:
    findings = DryRunFindings([], [])
    errors, warnings, _ = findings
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
            result = statement_runner.run_statements(
                session,
                [statement],
                to_message=lambda text: text.replace(f"{clone.name}.", "").replace(clone.name, "it"),
            )
            error = result.run.error
            if error is None:
                continue
            if time.monotonic() >= deadline:
                raise out_of_time(number - 1, len(statements))
            if result.code in _MISSING or (result.code in _MISSING_IN_TABLE and warnings):
                warnings.append(missing_object_warning(number, error))
            else:
                errors.append(f"statement {number}: {error}")
            if result.lost or has_ended(findings, number, len(statements)):
                break
        with contextlib.suppress(Error):
            raw.rollback()
    return findings
