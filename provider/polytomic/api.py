"""A typed client of Polytomic's query runner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from resourcekit.http.api import Api
from resourcekit.http.client import HttpClient
from resourcekit.http.credentials import Credentials
from resourcekit.http.models import Model, Texts, Timestamp, parse, path_segment
from resourcekit.http.polling import Progress, poll_until
from resourcekit.http.retry import RetrySafety
from resourcekit.version import VERSION

API: Final = Api(name="polytomic", version=VERSION)
VERSION_HEADER: Final = "X-Polytomic-Version"
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
    """A client of the Polytomic API; safe for use by many threads.

    Args:
        base_url: The API's URL, without `/api`.
        credentials: The Authorization of the calls.
        api_version: The value of X-Polytomic-Version; empty: the header is not sent.
        user_agent_suffix: The program that uses the client.
    """

    def __init__(
        self, *, base_url: str, credentials: Credentials, api_version: str = "", user_agent_suffix: str = ""
    ) -> None:
        headers: Mapping[str, str] = {VERSION_HEADER: api_version} if api_version else {}
        super().__init__(
            API, base_url=base_url, credentials=credentials, user_agent_suffix=user_agent_suffix, headers=headers
        )

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

    def wait_for_query(self, task: QueryTask, *, timeout: float, progress: Progress) -> QueryTask:
        """Read a query until it is done or failed, and return it.

        Raises:
            DeadlineExceededError: The time-out expired.
            ClientCancelledError: The wait was cancelled.
            NotFoundError: The API does not return the query (any more).
        """
        return poll_until(
            lambda: self.get_query(task.id),
            lambda found: found.status in (DONE, FAILED),
            what=f"query {task.id} is still running",
            timeout=timeout,
            cancel=self._transport.options.cancel,
            progress=progress,
        )


def url_length(query: str) -> int:
    """Return how many characters a query takes in the URL."""
    from urllib.parse import quote_plus

    return len(quote_plus(query))
