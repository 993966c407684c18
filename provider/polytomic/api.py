"""A typed client of Polytomic's query runner."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from resourcekit.http.api import Api
from resourcekit.http.client import HttpClient
from resourcekit.http.models import Model, Texts, Timestamp, parse, path_segment
from resourcekit.http.retry import RetrySafety
from resourcekit.version import VERSION

API: Final = Api(name="polytomic", version=VERSION)
# The only two final statuses that are documented. Every other one counts as running.
DONE: Final = "done"
FAILED: Final = "failed"


class QueryTask(Model):
    """A submitted query. `fields` and `results` are complete once its status is `done`."""

    id: str
    status: str
    count: int | None = None
    error: str | None = None
    expires: Timestamp | None = None
    fields: Texts = Field(default_factory=list)
    results: list[dict[str, Any]] | None = None


class Client(HttpClient):
    """A client of the Polytomic API; safe for use by many threads."""

    def submit_query(self, connection_id: str, query: str) -> QueryTask:
        """Submit a query, which may write, so the call is not retried without a check.

        The API takes the SQL in the URL. No log contains it (`secret_params`).

        Raises:
            UnknownOutcomeError: The response was lost; the query may run.
        """
        path = f"/api/connections/{path_segment(connection_id)}/query"
        sent = {"query": query}
        response = self._transport.request_json("POST", path, json={}, safety=RetrySafety.UNSAFE, secret_params=sent)
        return parse(QueryTask, response.get("data"))

    def get_query(self, id: str) -> QueryTask:
        """Read a query with its results; raises NotFoundError."""
        return parse(QueryTask, self._transport.request_json("GET", f"/api/queries/{path_segment(id)}").get("data"))


def url_length(query: str) -> int:
    """Return how many characters a query takes in the URL."""
    from urllib.parse import quote_plus

    return len(quote_plus(query))
