"""One query from its text to the reply: translate, check, run, record."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime

from controlplane.http.errors import ApiError
from controlplane.http.replies import Reply
from controlplane.queries import store
from controlplane.queries.failures import NotUnderstood, SqlFailed, TranslatorFailed, Unsafe
from controlplane.queries.model import Model
from controlplane.queries.outcome import Outcome
from controlplane.queries.raw import looks_like_sql
from controlplane.queries.running import open_runner
from controlplane.queries.safety import check
from controlplane.queries.store import Record
from controlplane.queries.translation.dialects import Dialect
from controlplane.queries.translation.schema import Schema
from controlplane.queries.translation.translate import Translation, translate
from controlplane.services import Services
from controlplane.store.pool import Row

_log = logging.getLogger("controlplane.queries")


@dataclass(frozen=True)
class Query:
    """number: its query_id. text: as it was given. now: the time of the call."""

    number: int
    database: Row
    text: str
    now: datetime


async def answer(services: Services, query: Query) -> Reply:
    """The reply of operation 10. Raises ApiError; whatever happens is recorded under the query's number."""
    record = Record()
    began = time.monotonic()
    try:
        outcome = await _run(services, query, record)
        record.status, record.rows = "succeeded", outcome.count
        return Reply(200, {"success": True, "sql": record.sql, "result": outcome.result, "query_id": query.number})
    except (NotUnderstood, Unsafe, SqlFailed, TranslatorFailed) as failure:
        error = _as_api_error(failure, query, record.sql)
        record.status = "refused" if error.status == 422 else "failed"
        record.error_code, record.error = error.code, error.message
        raise error from None
    finally:
        record.duration_ms = round((time.monotonic() - began) * 1000)
        async with services.pool.connection() as conn:
            await store.finish(conn, query.number, record)
        # Neither text nor SQL: both hold values, which are the tenant's.
        facts = {"query_id": query.number, "kind": record.kind, "status": record.status, "ms": record.duration_ms}
        _log.info("query", extra={"facts": facts})


async def _run(services: Services, query: Query, record: Record) -> Outcome:
    async with open_runner(services, query.database) as runner:
        if looks_like_sql(query.text):
            translation = Translation(query.text.strip())
        else:
            translation = await _translated(services, query, await runner.schema(), runner.dialect)
        record.sql = translation.sql
        checked = check(translation.sql, split=runner.split)
        record.kind = checked.kind
        return await runner.run(checked, beyond=translation.beyond)


async def _translated(services: Services, query: Query, schema: Schema, dialect: Dialect) -> Translation:
    model = Model.of(services.settings)
    if model is None:
        return translate(query.text, schema, query.now, dialect=dialect)
    return Translation(await model.translate(query.text, schema, query.now, dialect=dialect.title))


def _as_api_error(failure: Exception, query: Query, sql: str | None) -> ApiError:
    details: dict[str, object] = {"query_id": query.number} if sql is None else {"sql": sql, "query_id": query.number}
    match failure:
        case NotUnderstood():
            return ApiError(422, "query_not_understood", str(failure), {"field": "query", **details})
        case Unsafe():
            message = f"The query was not run: {failure}."
            return ApiError(422, "unsafe_query", message, {"field": "query", "reasons": failure.reasons, **details})
        case SqlFailed(hint=str(hint)):
            details["hint"] = hint
    return ApiError(500, "query_execution_failed", str(failure), details)
