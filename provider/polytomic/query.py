"""The query runner: submit SQL to a connection, wait for the result, return it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Result, Validator
from resourcekit.http.errors import DeadlineExceededError, ForbiddenError, NotFoundError
from resourcekit.http_resource import lost_response, wait_until
from resourcekit.redaction import Redactor
from resourcekit.resource import DataSource

if TYPE_CHECKING:
    from polytomic.api import Client, QueryTask

UUID: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
TIMEOUT_SECONDS: Final = 120
# The API documents no limit. Servers and proxies commonly accept URLs of 8 KB.
LONG_URL: Final = 8000
_GONE: Final = (
    "the API does not return query {}. Results expire, and only the user who created the query can fetch them: run it "
    "again, with the same key from the start to the end of the run"
)


class GetQueryArgs(Arguments):
    """The connection and the SQL."""

    connection_id: Annotated[str, Field(pattern=UUID)] = Field(description="UUID of the connection.")
    query: Annotated[str, Validator(lambda sql: bool(sql.strip()), "must not be empty")] = Field(
        description="The SQL, in the dialect of the connection. The provider never logs it, though the API takes it "
        "in the URL."
    )
    timeout_seconds: int | None = Field(
        None, ge=1, le=86400, description=f"How long to wait for the result. Default {TIMEOUT_SECONDS}."
    )


class GetQueryResult(Result):
    """The result of a query."""

    id: str = Field(description="UUID of the query.")
    fields: list[str] = Field([], description="Names of the columns, in order.")
    results: Any = Field(None, description="The rows: a list of objects, from column to value.")
    row_count: int | None = Field(None, description="Number of rows, as the API counts them.")
    expires: str | None = Field(None, description="When the API discards the result, in UTC.")


class GetQuery(DataSource[GetQueryArgs, GetQueryResult, "Client"]):
    """Run SQL on a connection by Polytomic's query runner, and return its rows.

    As a function or data source it runs in every preview, plan and update: use it for SQL that reads. As an action
    (Terraform) it runs on request, for SQL that writes. As an ephemeral resource (Terraform) its rows are stored
    nowhere.

    Only the user who created a query can fetch its result, so one key must be used for the whole run. The API documents
    neither the statuses between the submission and `done` or `failed`, nor a limit of rows, nor a way to cancel a
    query: the provider waits through every other status, warns if there are fewer rows than `count`, and after Ctrl-C
    the query may go on.
    """

    name = "get_query"
    timeout = TIMEOUT_SECONDS

    def call(self, args: GetQueryArgs, ctx: Context[Client]) -> GetQueryResult:
        """Run the query."""
        from polytomic.api import FAILED, url_length

        length = url_length(args.query)
        if length > LONG_URL:
            ctx.warn(
                f"the SQL takes {length} characters of the URL. Servers and proxies may refuse so long a URL", "query"
            )
        with lost_response("If the SQL writes, look whether it did before you run it again"):
            submitted = ctx.api.submit_query(args.connection_id, args.query)
        task = _wait(submitted.id, ctx)
        if task.status == FAILED:
            reason = Redactor([args.query], "(the query)").redact(task.error or "the API gives no reason")
            raise ResourceError(f"query {task.id} failed: {reason}", property="query")
        rows = task.results or []
        if task.count is not None and task.count > len(rows):
            ctx.warn(f"the API returned {len(rows)} of {task.count} rows")
        return GetQueryResult(
            id=task.id,
            fields=task.fields,
            results=rows,
            row_count=task.count,
            expires=task.expires and task.expires.isoformat().replace("+00:00", "Z"),
        )


def _wait(id: str, ctx: Context[Client]) -> QueryTask:
    """Return the query when it is done or failed; raises ResourceError."""
    from polytomic.api import DONE, FAILED

    try:
        return wait_until(
            ctx,
            lambda: ctx.api.get_query(id),
            lambda found: found.status in (DONE, FAILED),
            what=f"query {id} is still running",
            progress=f"query {id}",
        )
    except DeadlineExceededError as error:
        raise ResourceError(
            f"{error}. It may go on: the API documents no way to cancel it. For a longer wait, raise `timeout_seconds`"
        ) from error
    except (NotFoundError, ForbiddenError) as error:
        raise ResourceError(f"{error}: {_GONE.format(id)}") from error
