"""Execution of one query: translate, check, run, record."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from controlplane.db.pool import Row
from controlplane.http.errors import ApiError
from controlplane.http.responses import ApiResponse
from controlplane.queries import answers, store
from controlplane.queries.errors import SqlError, TranslationError, TranslatorError, UnsafeSqlError
from controlplane.queries.llm import LlmTranslator
from controlplane.queries.mysql.session import open_mysql
from controlplane.queries.patterns import Translation, translate
from controlplane.queries.postgres.session import open_postgres
from controlplane.queries.runner import QueryResult, Runner
from controlplane.queries.safety import check_safety
from controlplane.queries.sql_detection import looks_like_sql
from controlplane.queries.store import QueryRecord
from controlplane.services import Services

_log = logging.getLogger("controlplane.queries")

_WAYS_OUT: Final = (
    "Send SQL instead; or set the SQL that this text stands for, by `PUT /_polykomos/queries` of the admin API or by"
    " `queries` in the seed file; or have a model translate queries: `polykomos dev --translator-url`."
)


@dataclass(frozen=True)
class QueryRequest:
    """A query that is recorded and counted, but not run yet."""

    number: int  # the API's query_id
    database: Row
    text: str  # as the client sent it
    now: datetime  # the time of the call


async def execute_query(services: Services, query: QueryRequest) -> ApiResponse:
    """Return the response of operation 10. The result, also a failure, is recorded under the query's number.

    Raises:
        ApiError: 422 if the query is not understood or not safe, 500 if it fails.
    """
    record = QueryRecord()
    began = time.monotonic()
    try:
        result = await _run(services, query, record)
        record.status, record.rows = "succeeded", result.count
        return ApiResponse(200, {"success": True, "sql": record.sql, "result": result.result, "query_id": query.number})
    except (TranslationError, UnsafeSqlError, SqlError, TranslatorError) as failure:
        error = _as_api_error(failure, query, record.sql)
        record.status = "refused" if error.status == 422 else "failed"
        record.error_code, record.error = error.code, error.message
        raise error from None
    finally:
        record.duration_ms = round((time.monotonic() - began) * 1000)
        async with services.pool.connection() as conn:
            await store.complete(conn, query.number, record)
        # Neither text nor SQL is logged: both contain values of the tenant.
        facts = {"query_id": query.number, "kind": record.kind, "status": record.status, "ms": record.duration_ms}
        _log.info("query", extra={"facts": facts})


async def _run(services: Services, query: QueryRequest, record: QueryRecord) -> QueryResult:
    async with open_runner(services, query.database) as runner:
        translation = await _translate(services, query, runner)
        record.sql = translation.sql
        checked = check_safety(translation.sql, split=runner.split)
        record.kind = checked.kind
        return await runner.run(checked, beyond=translation.beyond)


async def _translate(services: Services, query: QueryRequest, runner: Runner) -> Translation:
    """Return the SQL of a query.

    The first of these applies: the SQL that is set for the query's text, the text if it is SQL, the model's
    translation if a model is configured, a built-in pattern.

    Raises:
        TranslationError: The model or the patterns have no SQL for the text.
        TranslatorError: The model's endpoint failed.
        SqlError: The database's schema cannot be read.
    """
    sql = await answers.find(services, query.text, query.database["db_type"])
    if sql is None and looks_like_sql(query.text):
        sql = query.text
    if sql is not None:
        return Translation(sql.strip())
    schema, model = await runner.schema(), LlmTranslator.of(services.settings)
    if model is None:
        return translate(query.text, schema, runner.dialect, query.now)
    return Translation(await model.translate(query.text, schema, query.now, dialect=runner.dialect.label))


def _as_api_error(failure: Exception, query: QueryRequest, sql: str | None) -> ApiError:
    details: dict[str, object] = {"query_id": query.number} if sql is None else {"sql": sql, "query_id": query.number}
    match failure:
        case TranslationError():
            message = f"The query was not understood. {failure} {_WAYS_OUT}"
            return ApiError(422, "query_not_understood", message, {"field": "query", **details})
        case UnsafeSqlError():
            message = f"The query was not run: {failure}."
            return ApiError(422, "unsafe_query", message, {"field": "query", "reasons": failure.reasons, **details})
        case SqlError(hint=str(hint)):
            details["hint"] = hint
    return ApiError(500, "query_execution_failed", str(failure), details)


def open_runner(services: Services, database: Row) -> AbstractAsyncContextManager[Runner]:
    """Return a runner of one query in the database. Entering it raises SqlError if no session can be opened."""
    if database["db_type"] == "mysql":
        return open_mysql(services, database)
    return open_postgres(services, database)
