"""A typed client of Polnor's API. No call has an idempotency key, so a write is sent once unless it may be repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from polnor.models import Endpoint, Instance, Job, Lineage, Run, SqlResult, TaskResult, Warehouse
from resourcekit.http.api import Api, ErrorBody
from resourcekit.http.client import HttpClient
from resourcekit.http.models import drop_none, parse, path_segment
from resourcekit.http.pagination import CursorPaging, PlainArray
from resourcekit.http.retry import RetryPolicy, RetrySafety
from resourcekit.version import VERSION

QUOTA: Final = "quota"
# Quotas that fall by themselves: the runs of other jobs end. A call that exceeds another quota is not repeated.
_FALLING: Final = ("max_running_runs",)
_LIMIT: Final = re.compile(r"\b(?P<name>max_\w+)=(?P<limit>\d+), current=(?P<current>\d+)")


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

    paging = CursorPaging()

    def iter_instances(self) -> Iterator[Instance]:
        """Yield every compute instance."""
        return self._iter(Instance, "/compute", lambda each: each.id)

    def find_instance(self, id: str) -> Instance | None:
        """Return a compute instance from the list, or None: the API has no call that reads one."""
        return next((each for each in self.iter_instances() if each.id == id), None)

    def create_instance(self, body: Mapping[str, Any]) -> Instance:
        """Create a stopped compute instance."""
        return self._create(Instance, "/compute", body)

    def switch_instance(self, id: str, action: str) -> None:
        """Start or stop an instance (`start`, `stop`); ConflictError if it is running or stopped already."""
        self._post(f"/compute/{path_segment(id)}/{action}", safety=RetrySafety.SAFE)

    def delete_instance(self, id: str) -> None:
        """Delete an instance; ConflictError if it is running."""
        self._transport.request("DELETE", f"/compute/{path_segment(id)}", returns=object)

    def find_warehouse(self, id: str) -> Warehouse | None:
        """Return a SQL warehouse from the list, or None: the API has no call that reads one."""
        found = self._iter(Warehouse, "/sql/warehouses", lambda each: each.id)
        return next((each for each in found if each.id == id), None)

    def start_warehouse(self, id: str) -> None:
        """Start a warehouse; ConflictError if it is running."""
        self._post(f"/sql/warehouses/{path_segment(id)}/start", safety=RetrySafety.SAFE)

    def execute(self, query: str, warehouse_id: str | None) -> SqlResult:
        """Run a statement, which may write, so the call is sent once."""
        return self._create(SqlResult, "/sql/execute", drop_none(query=query, warehouse_id=warehouse_id))

    def create_job(self, body: Mapping[str, Any]) -> Job:
        """Create a job."""
        return self._create(Job, "/jobs", body)

    def update_job(self, id: str, body: Mapping[str, Any]) -> None:
        """Change a job. `tasks` null leaves them, an empty list removes them."""
        self._transport.request("PUT", f"/jobs/{path_segment(id)}", json=body, returns=object)

    def run_job(self, id: str) -> Run:
        """Start a run of a job. The quota `max_running_runs` is waited for."""
        return self._create(Run, f"/jobs/{path_segment(id)}/run", {})

    def get_run(self, id: str) -> Run:
        """Read a run."""
        return self._parsed(Run, "GET", f"/runs/{path_segment(id)}")

    def iter_tasks(self, run_id: str) -> Iterator[TaskResult]:
        """Yield the tasks of a run, a plain array; none for a job of a single command."""
        path = f"/runs/{path_segment(run_id)}/tasks"
        return self._iter(TaskResult, path, lambda each: each.key, paging=PlainArray())

    def get_logs(self, run_id: str, key: str) -> Any:
        """Read the logs of a task, in the form in which the API returns them."""
        path = f"/runs/{path_segment(run_id)}/tasks/{path_segment(key)}/logs"
        return self._transport.request("GET", path, returns=object).body

    def get_lineage(self, run_id: str) -> Lineage:
        """Read the tables that a run read and wrote."""
        return self._parsed(Lineage, "GET", f"/runs/{path_segment(run_id)}/lineage")

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

    def presign_artifact(self, experiment_id: str, run_id: str, path: str) -> dict[str, Any]:
        """Return what the API says about an upload URL."""
        base = f"/experiments/{path_segment(experiment_id)}/runs/{path_segment(run_id)}"
        return self._post(f"{base}/artifacts/presigned-url", {"path": path}, safety=RetrySafety.SAFE)

    def iter_endpoints(self) -> Iterator[Endpoint]:
        """Yield every serving endpoint."""
        return self._iter(Endpoint, "/endpoints", lambda each: each.name)

    def create_endpoint(self, name: str, model: str, version: int) -> Endpoint:
        """Create a serving endpoint."""
        body = {"name": name, "model": model, "version": version}
        return parse(Endpoint, {**body, **self._post("/endpoints", body)})

    def _post(
        self, path: str, body: Mapping[str, Any] | None = None, safety: RetrySafety = RetrySafety.UNSAFE
    ) -> dict[str, Any]:
        """Send a POST whose response the page does not show."""
        response = self._transport.request("POST", path, json=body or {}, safety=safety, returns=object)
        return response.body if isinstance(response.body, dict) else {}
