"""Operation 10 (natural language queries) and its worker."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from pydantic import Field

from controlplane.databases import store as databases
from controlplane.http.context import Operation, RequestContext
from controlplane.http.errors import ApiError
from controlplane.http.responses import ApiResponse
from controlplane.http.validation import Body, NonEmptyText, UuidText
from controlplane.queries import daily_limit, store
from controlplane.queries.execute import QueryRequest, execute_query
from controlplane.query_answers import MAX_QUERY
from controlplane.services import Services, Worker

_MARK_LOST_EVERY = 30.0  # seconds


class CreateQueryExecution(Body):
    """The request of operation 10. The query is plain language or SQL."""

    database_uuid: UuidText
    query: Annotated[NonEmptyText, Field(max_length=MAX_QUERY)]


async def create_query_execution(call: RequestContext) -> ApiResponse:
    """Count and record a query, and run it after the commit, when the call uses no connection to the store.

    Raises:
        ApiError: 404 for another user's database, 422 for one that is not active, 429 over the daily limit.
    """
    args = call.parse(CreateQueryExecution)
    database = await databases.find(call.conn, call.principal, UUID(args.database_uuid))
    if database["status"] != "active":
        message = f"The database is {database['status']}, not active."
        raise ApiError(422, "database_not_active", message, {"field": "database_uuid"})
    await daily_limit.consume(call.conn, database, call.now, call.services.plans)
    number = await store.insert(
        call.conn,
        database_id=database["id"],
        user_id=call.principal.user_id,
        text=args.query,
        owner=call.services.process_id,
        now=call.now,
    )
    query = QueryRequest(number, database, args.query, call.now)
    return ApiResponse(200, {}, lambda: execute_query(call.services, query))


async def _lost_query_worker(services: Services) -> None:
    """Mark the queries of ended processes as lost, until cancelled."""
    while True:
        async with services.pool.connection() as conn:
            await store.mark_lost(conn)
        await asyncio.sleep(_MARK_LOST_EVERY)


OPERATIONS = (
    Operation(
        "POST", "/query_executions", "createQueryExecution", ("queries:write",), create_query_execution, has_body=True
    ),
)

WORKERS: tuple[Worker, ...] = (_lost_query_worker,)
