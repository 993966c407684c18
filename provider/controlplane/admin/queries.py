"""Answers to queries in plain language: set, listed, removed."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from controlplane.admin.routing import AdminRequest, AdminRoute
from controlplane.db.pool import Row
from controlplane.http.errors import not_found
from controlplane.http.validation import Body
from controlplane.queries import answers
from controlplane.query_answers import EngineName, QueryAnswer, QueryText, SqlText


class SetQueryAnswer(Body):
    """The text that a client sends, the SQL that runs for it, and the engine it is for (null = every engine)."""

    model_config = ConfigDict(extra="forbid")

    query: QueryText
    sql: SqlText
    db_type: EngineName | None = None


async def put_answer(ask: AdminRequest) -> dict[str, Any]:
    """Set the answer to one text; the earlier answer to it is replaced."""
    answer = QueryAnswer(**(await ask.body(SetQueryAnswer)).model_dump())
    async with ask.services.pool.connection() as conn:
        return _view(await answers.put(conn, answer))


async def list_answers(ask: AdminRequest) -> list[dict[str, Any]]:
    """List the answers that were set here, oldest first, then those of the seed file, which have no id."""
    async with ask.services.pool.connection() as conn:
        found = [_view(row) for row in await answers.list_all(conn)]
    return [*found, *({"id": None, **each.model_dump(), "source": "seed"} for each in ask.services.query_answers)]


async def delete_answers(ask: AdminRequest) -> dict[str, Any]:
    """Remove all answers that were set here; those of the seed file stay."""
    async with ask.services.pool.connection() as conn:
        return {"removed": await answers.delete_all(conn)}


async def delete_answer(ask: AdminRequest) -> dict[str, Any]:
    """Remove one answer by its id."""
    async with ask.services.pool.connection() as conn:
        if not await answers.delete(conn, ask.request.path_params["id"]):
            raise not_found("query_answer")
    return {"removed": 1}


def _view(row: Row) -> dict[str, Any]:
    return {**{name: row[name] for name in ("id", "query", "sql", "db_type")}, "source": "admin"}


DOORS = (
    AdminRoute("GET", "/queries", list_answers),
    AdminRoute("PUT", "/queries", put_answer),
    AdminRoute("DELETE", "/queries", delete_answers),
    AdminRoute("DELETE", "/queries/{id:int}", delete_answer),
)
