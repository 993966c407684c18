"""Jobs and their runs: what the API takes and shows. `runs.py` carries the runs out."""

from __future__ import annotations

import graphlib
from collections.abc import Sequence
from typing import Any, Final

from psycopg.types.json import Json
from pydantic import Field

from controlplane.db.pool import Row
from controlplane.http.context import Operation, RequestContext
from controlplane.http.errors import invalid_field, not_found
from controlplane.http.responses import ApiResponse, format_z
from controlplane.http.validation import Body, NonEmptyText
from controlplane.vendors.polnor import audit
from controlplane.vendors.polnor.style import bare, conflict, new_id, over_quota

MAX_RUNNING_RUNS: Final = 10
_OPEN: Final = ("pending", "running")
# The key of the only task of a job without tasks. It is not listed.
SINGLE: Final = "command"


class Task(Body):
    """A task of a job."""

    key: NonEmptyText
    command: NonEmptyText
    depends_on: list[str] = Field(default_factory=list)
    max_retries: int = Field(0, ge=0, le=100)
    timeout_seconds: int | None = Field(None, ge=1)


class NewJob(Body):
    """The body of `POST /jobs`. The page shows no name for the single command."""

    name: NonEmptyText
    command: str | None = None
    tasks: list[Task] | None = None


class ChangedJob(Body):
    """The body of `PUT /jobs/:id`. `tasks` null leaves them, an empty list removes them."""

    name: NonEmptyText | None = None
    command: str | None = None
    tasks: list[Task] | None = None


async def create_job(call: RequestContext) -> ApiResponse:
    """Create a job."""
    body = call.parse(NewJob)
    row = await call.conn.fetch_row(
        "INSERT INTO polnor_jobs (id, team_id, name, command, tasks) VALUES (%s, %s, %s, %s, %s) RETURNING *",
        (new_id("job"), call.principal.primary_team_id, body.name, body.command, _stored(body.tasks or [])),
    )
    await audit.record(call, "job.create")
    return ApiResponse(201, {"id": row["id"], "name": row["name"]})


async def update_job(call: RequestContext) -> ApiResponse:
    """Change a job. Past runs have their own tasks."""
    row = await _job(call)
    body = call.parse(ChangedJob)
    await call.conn.execute(
        "UPDATE polnor_jobs SET name = coalesce(%s, name), command = coalesce(%s, command),"
        " tasks = coalesce(%s::json, tasks) WHERE id = %s",
        (body.name, body.command, None if body.tasks is None else _stored(body.tasks), row["id"]),
    )
    await audit.record(call, "job.update")
    return ApiResponse(200, {"id": row["id"], "name": body.name or row["name"]})


async def start_run(call: RequestContext) -> ApiResponse:
    """Queue a run of a job.

    Raises:
        ApiError: 429, the workspace has as many runs as its quota allows.
    """
    job = await _job(call)
    team = call.principal.primary_team_id
    await call.conn.execute("SELECT pg_advisory_xact_lock(hashtext('polnor_runs'), %s)", (team,))
    current = int(
        await call.conn.fetch_value(
            "SELECT count(*) FROM polnor_runs WHERE team_id = %s AND status = ANY(%s)", (team, list(_OPEN))
        )
    )
    if current >= MAX_RUNNING_RUNS:
        raise over_quota("max_running_runs", MAX_RUNNING_RUNS, current)
    tasks = [Task.model_validate(task) for task in job["tasks"]]
    single = not tasks
    run_id = new_id("run")
    await call.conn.execute(
        "INSERT INTO polnor_runs (id, team_id, job_id, is_single, created_at) VALUES (%s, %s, %s, %s, %s)",
        (run_id, team, job["id"], single, call.now),
    )
    for position, task in enumerate(tasks or [Task(key=SINGLE, command=job["command"] or "true")]):
        await call.conn.execute(
            "INSERT INTO polnor_tasks (run_id, position, key, command, depends_on, max_retries, timeout_seconds)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (run_id, position, task.key, task.command, task.depends_on, task.max_retries, task.timeout_seconds),
        )
    await audit.record(call, "job.run")
    call.after_commit(call.services.notifiers.vendor_jobs.notify)
    return ApiResponse(202, {"run_id": run_id, "status": "pending"})


async def get_run(call: RequestContext) -> ApiResponse:
    """Answer with a run."""
    row = await _run(call)
    times = {name: None if row[name] is None else format_z(row[name]) for name in ("started_at", "finished_at")}
    return ApiResponse(200, {"id": row["id"], "job_id": row["job_id"], "status": row["status"], **times})


async def list_tasks(call: RequestContext) -> ApiResponse:
    """Answer with the tasks of a run: a bare array, empty for a job of a single command."""
    run = await _run(call)
    rows = [] if run["is_single"] else await _tasks(call, run["id"])
    return bare([{name: row[name] for name in ("key", "status", "retry_count")} for row in rows])


async def task_logs(call: RequestContext) -> ApiResponse:
    """Answer with the logs of a task."""
    run = await _run(call)
    found = [row for row in await _tasks(call, run["id"]) if row["key"] == call.path_parameters["key"]]
    if not found:
        raise not_found("task")
    return ApiResponse(200, {"key": found[0]["key"], "logs": found[0]["logs"]})


async def lineage(call: RequestContext) -> ApiResponse:
    """Answer with the tables that a run read and wrote. Commands are no SQL, so there are none."""
    await _run(call)
    return ApiResponse(200, {"read": [], "write": []})


async def cancel_run(call: RequestContext) -> ApiResponse:
    """Request the end of a run.

    Raises:
        ApiError: 409, it has ended.
    """
    row = await _run(call)
    if row["status"] not in _OPEN:
        raise conflict(f"The run has ended: {row['status']}.")
    await call.conn.execute("UPDATE polnor_runs SET is_cancelled = true WHERE id = %s", (row["id"],))
    await audit.record(call, "run.cancel")
    call.after_commit(call.services.notifiers.vendor_jobs.notify)
    return ApiResponse(202, {"id": row["id"], "status": row["status"]})


async def _job(call: RequestContext) -> Row:
    row = await call.conn.fetch_one(
        "SELECT * FROM polnor_jobs WHERE id = %s AND team_id = %s",
        (call.path_parameters["id"], call.principal.primary_team_id),
    )
    if row is None:
        raise not_found("job")
    return row


async def _run(call: RequestContext) -> Row:
    row = await call.conn.fetch_one(
        "SELECT * FROM polnor_runs WHERE id = %s AND team_id = %s",
        (call.path_parameters["id"], call.principal.primary_team_id),
    )
    if row is None:
        raise not_found("run")
    return row


async def _tasks(call: RequestContext, run_id: str) -> list[Row]:
    return await call.conn.fetch_all("SELECT * FROM polnor_tasks WHERE run_id = %s ORDER BY position", (run_id,))


def _stored(tasks: Sequence[Task]) -> Json:
    """Return the tasks as they are stored.

    Raises:
        ApiError: 400, the tasks are no graph without circles.
    """
    keys = [task.key for task in tasks]
    if len(set(keys)) < len(keys):
        raise invalid_field("tasks", "two tasks have the same key")
    missing = sorted({name for task in tasks for name in task.depends_on} - set(keys))
    if missing:
        raise invalid_field("tasks", f"depends_on names unknown tasks: {', '.join(missing)}")
    try:
        graphlib.TopologicalSorter({task.key: task.depends_on for task in tasks}).prepare()
    except graphlib.CycleError:
        raise invalid_field("tasks", "the tasks depend on each other in a circle") from None
    stored: list[dict[str, Any]] = [task.model_dump() for task in tasks]
    return Json(stored)


OPERATIONS = (
    Operation("POST", "/jobs", "polnorCreateJob", (), create_job, has_body=True),
    Operation("PUT", "/jobs/{id}", "polnorUpdateJob", (), update_job, has_body=True),
    Operation("POST", "/jobs/{id}/run", "polnorRunJob", (), start_run),
    Operation("GET", "/runs/{id}", "polnorGetRun", (), get_run),
    Operation("GET", "/runs/{id}/tasks", "polnorListTasks", (), list_tasks),
    Operation("GET", "/runs/{id}/tasks/{key}/logs", "polnorTaskLogs", (), task_logs),
    Operation("GET", "/runs/{id}/lineage", "polnorRunLineage", (), lineage),
    Operation("POST", "/runs/{id}/cancel", "polnorCancelRun", (), cancel_run),
)
