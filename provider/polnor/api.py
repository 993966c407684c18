"""A typed client of Polnor's API. No call has an idempotency key, so a write is sent once unless it may be repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from polnor.models import Endpoint, Instance, Job, Lineage, Run, SqlResult, Task, Warehouse
from resourcekit.http.api import Api, ErrorBody
from resourcekit.http.client import HttpClient
from resourcekit.http.models import drop_none, parse, path_segment
from resourcekit.http.pages import CursorPaging, PlainArray, iter_items
from resourcekit.http.retry import RetryPolicy, RetrySafety
from resourcekit.version import VERSION

QUOTA: Final = "quota"
# Quotas that fall by themselves: the runs of other jobs end. A call that exceeds another quota is not repeated.
_FALLING: Final = ("max_running_runs",)
_LIMIT: Final = re.compile(r"\b(?P<name>max_\w+)=(?P<limit>\d+), current=(?P<current>\d+)")


class Row(BaseModel):
    """An object that the API's page does not describe: all its fields."""

    model_config = ConfigDict(extra="allow", frozen=True)


def read_error(body: Any) -> ErrorBody:
    """Return the parts of `{"error": text}`. A quota's message names it (other-apis, Polnor)."""
    text = body.get("error") if isinstance(body, dict) else None
    if not isinstance(text, str):
        return ErrorBody()
    limit = _LIMIT.search(text)
    if limit is None:
        return ErrorBody(message=text)
    message = f"{text}: the quota {limit['name']} is used up, {limit['current']} of {limit['limit']}"
    return ErrorBody(code="" if limit["name"] in _FALLING else QUOTA, message=message)


API: Final = Api(
    name="polnor", version=VERSION, read_error=read_error, retry=RetryPolicy(final_codes=frozenset({QUOTA}))
)


class Client(HttpClient):
    """A client of the Polnor API; safe for use by many threads. Every method may raise its errors."""

    def iter_instances(self) -> Iterator[Instance]:
        """Yield every compute instance."""
        return iter_items(self._transport, "/compute", Instance, lambda each: each.id, CursorPaging())

    def find_instance(self, id: str) -> Instance | None:
        """Return a compute instance from the list, or None: the API has no call that reads one."""
        return next((each for each in self.iter_instances() if each.id == id), None)

    def create_instance(self, body: Mapping[str, Any]) -> Instance:
        """Create a stopped compute instance."""
        return parse(Instance, self._post("/compute", body, returns=dict))

    def start_instance(self, id: str) -> None:
        """Start an instance; ConflictError if it is running."""
        self._post(f"/compute/{path_segment(id)}/start", safety=RetrySafety.SAFE)

    def stop_instance(self, id: str) -> None:
        """Stop an instance; ConflictError if it is stopped."""
        self._post(f"/compute/{path_segment(id)}/stop", safety=RetrySafety.SAFE)

    def delete_instance(self, id: str) -> None:
        """Delete an instance; ConflictError if it is running."""
        self._transport.request("DELETE", f"/compute/{path_segment(id)}", returns=object)

    def iter_warehouses(self) -> Iterator[Warehouse]:
        """Yield every SQL warehouse."""
        return iter_items(self._transport, "/sql/warehouses", Warehouse, lambda each: each.id, CursorPaging())

    def start_warehouse(self, id: str) -> None:
        """Start a warehouse; ConflictError if it is running."""
        self._post(f"/sql/warehouses/{path_segment(id)}/start", safety=RetrySafety.SAFE)

    def execute(self, query: str, warehouse_id: str | None) -> SqlResult:
        """Run a statement, which may write, so the call is sent once."""
        body = drop_none(query=query, warehouse_id=warehouse_id)
        return parse(SqlResult, self._post("/sql/execute", body, returns=dict))

    def create_job(self, body: Mapping[str, Any]) -> Job:
        """Create a job."""
        return parse(Job, self._post("/jobs", body, returns=dict))

    def update_job(self, id: str, body: Mapping[str, Any]) -> None:
        """Change a job. `tasks` null leaves them, an empty list removes them."""
        self._transport.request("PUT", f"/jobs/{path_segment(id)}", json=body, returns=object)

    def run_job(self, id: str) -> Run:
        """Start a run of a job. The quota `max_running_runs` is waited for."""
        return parse(Run, self._post(f"/jobs/{path_segment(id)}/run", returns=dict))

    def get_run(self, id: str) -> Run:
        """Read a run."""
        return parse(Run, self._transport.request_json("GET", f"/runs/{path_segment(id)}"))

    def iter_tasks(self, run_id: str) -> Iterator[Task]:
        """Yield the tasks of a run; none for a job of a single command."""
        path = f"/runs/{path_segment(run_id)}/tasks"
        return iter_items(self._transport, path, Task, lambda each: each.key, PlainArray())

    def get_logs(self, run_id: str, key: str) -> Any:
        """Read the logs of a task, in the form in which the API returns them."""
        path = f"/runs/{path_segment(run_id)}/tasks/{path_segment(key)}/logs"
        return self._transport.request("GET", path, returns=object).body

    def get_lineage(self, run_id: str) -> Lineage:
        """Read the tables that a run read and wrote."""
        return parse(Lineage, self._transport.request_json("GET", f"/runs/{path_segment(run_id)}/lineage"))

    def cancel_run(self, id: str) -> None:
        """Cancel a run; ConflictError if it has ended."""
        self._post(f"/runs/{path_segment(id)}/cancel", safety=RetrySafety.SAFE)

    def log_metrics(self, experiment_id: str, run_id: str, metrics: list[dict[str, Any]]) -> None:
        """Log metrics: one by the call for one, several in one call."""
        path = f"/experiments/{path_segment(experiment_id)}/runs/{path_segment(run_id)}/metrics"
        if len(metrics) == 1:
            self._post(path, metrics[0])
        else:
            self._post(f"{path}/batch", {"metrics": metrics})

    def presign_artifact(self, experiment_id: str, run_id: str, path: str) -> Mapping[str, Any]:
        """Return what the API says about an upload URL."""
        base = f"/experiments/{path_segment(experiment_id)}/runs/{path_segment(run_id)}"
        return self._post(f"{base}/artifacts/presigned-url", {"path": path}, safety=RetrySafety.SAFE)

    def iter_endpoints(self) -> Iterator[Endpoint]:
        """Yield every serving endpoint."""
        return iter_items(self._transport, "/endpoints", Endpoint, lambda each: each.name, CursorPaging())

    def create_endpoint(self, name: str, model: str, version: int) -> Endpoint:
        """Create a serving endpoint."""
        body = {"name": name, "model": model, "version": version}
        return parse(Endpoint, {**body, **self._post("/endpoints", body)})

    def iter_rows(self, path: str, filters: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the objects of a list whose fields the API's page does not describe."""
        rows = iter_items(self._transport, path, Row, None, CursorPaging(), filters)
        return (row.model_dump() for row in rows)

    def read(self, path: str) -> dict[str, Any]:
        """Return the JSON object of a GET."""
        return self._transport.request_json("GET", path)

    def _post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        safety: RetrySafety = RetrySafety.UNSAFE,
        returns: type = object,
    ) -> dict[str, Any]:
        """Send a POST. `returns` is `dict` if the response must be an object; the page does not show all responses."""
        response = self._transport.request("POST", path, json=body or {}, safety=safety, returns=returns)
        return response.body if isinstance(response.body, dict) else {}
