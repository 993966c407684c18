"""Answers to queries in plain language: set, list, delete."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from controlplane.admin.routing import AdminRequest, AdminRoute
from controlplane.db.pool import Row
from controlplane.http.errors import not_found
from controlplane.http.validation import Body
from controlplane.queries import answers
from controlplane.query_answers import QueryAnswer


class SetQueryAnswer(QueryAnswer, Body):
    """The body of an answer."""

    model_config = ConfigDict(extra="forbid")


async def put_answer(call: AdminRequest) -> dict[str, Any]:
    """Set the answer to one text; the earlier answer to it is replaced."""
    answer = await call.body(SetQueryAnswer)
    async with call.services.pool.connection() as conn:
        return _view(await answers.put(conn, answer))


async def list_answers(call: AdminRequest) -> list[dict[str, Any]]:
    """Return the answers that were set here, oldest first, then those of the seed file, which have no id."""
    async with call.services.pool.connection() as conn:
        stored = [_view(row) for row in await answers.list_all(conn)]
    seeded = [{"id": None, **answer.model_dump(), "source": "seed"} for answer in call.services.query_answers]
    return [*stored, *seeded]


async def delete_answers(call: AdminRequest) -> dict[str, Any]:
    """Delete all answers that were set here; those of the seed file stay."""
    async with call.services.pool.connection() as conn:
        return {"removed": await answers.delete_all(conn)}


async def delete_answer(call: AdminRequest) -> dict[str, Any]:
    """Delete one answer by its id."""
    async with call.services.pool.connection() as conn:
        if not await answers.delete(conn, call.request.path_params["id"]):
            raise not_found("query_answer")
    return {"removed": 1}


def _view(row: Row) -> dict[str, Any]:
    return {**{name: row[name] for name in ("id", "query", "sql", "db_type")}, "source": "admin"}


ROUTES = (
    AdminRoute("GET", "/queries", list_answers),
    AdminRoute("PUT", "/queries", put_answer),
    AdminRoute("DELETE", "/queries", delete_answers),
    AdminRoute("DELETE", "/queries/{id:int}", delete_answer),
)
