"""Calls that change something: run a job, run SQL, log metrics. Terraform offers them as actions as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from polnor.models import TaskResult
from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Result, Validator
from resourcekit.http.errors import ClientCancelledError, ClientError
from resourcekit.http.polling import poll_until
from resourcekit.http_resource import lost_response
from resourcekit.resource import DataSource

if TYPE_CHECKING:
    from polnor.api import Client
    from polnor.models import Run

ENDED: Final = ("success", "failed", "cancelled")
_TIMEOUT: Final = 3600


class JobRunArgs(Arguments):
    """The job and the wait for its run."""

    job_id: str = Field(description="Id of the job.")
    wait: bool | None = Field(None, description="Whether to wait until the run ends. Default `true`.")
    timeout_seconds: int | None = Field(None, ge=1, le=86400, description=f"How long to wait. Default {_TIMEOUT}.")


class JobRunResult(Result):
    """A run of a job."""

    run_id: str = Field(description="Id of the run.")
    status: str = Field(description="`pending`, `running`, `success`, `failed` or `cancelled`.")
    tasks: list[TaskResult] = Field([], description="The tasks; none for a job of a single command.")


class JobRun(DataSource[JobRunArgs, JobRunResult, "Client"]):
    """Run a job, and wait until the run ends.

    While the workspace has as many runs as its quota `max_running_runs` allows, the call waits for a run to end.
    Progress is shown by task. Ctrl-C and the time-out cancel the run. A run that fails or is cancelled is an error that
    names its tasks.
    """

    name = "job_run"
    timeout = _TIMEOUT
    runs_in_preview = False

    def call(self, args: JobRunArgs, ctx: Context[Client]) -> JobRunResult:
        """Run the job."""
        with lost_response("The job may run: look at its runs before you run it again"):
            run = ctx.api.run_job(args.job_id)
        if args.wait is False:
            return JobRunResult(run_id=run.id, status=run.status)
        ended = self._wait(run.id, ctx)
        tasks = list(ctx.api.iter_tasks(run.id))
        if ended.status != "success":
            odd = ", ".join(f"{task.key}: {task.status}" for task in tasks if task.status != "success")
            raise ResourceError(
                f"run {run.id} of job {args.job_id} ended with {ended.status}{f' ({odd})' if odd else ''}. "
                "Read the logs of its tasks (`get_task_logs`)"
            )
        return JobRunResult(run_id=run.id, status=ended.status, tasks=tasks)

    def _wait(self, run_id: str, ctx: Context[Client]) -> Run:
        def read() -> Run:
            found = ctx.api.get_run(run_id)
            tasks = ", ".join(f"{task.key} {task.status}" for task in ctx.api.iter_tasks(run_id))
            ctx.progress(f"run {run_id} {found.status}{f': {tasks}' if tasks else ''}")
            return found

        try:
            return poll_until(
                read,
                lambda found: found.status in ENDED,
                what=f"run {run_id} has not ended",
                timeout=ctx.remaining(),
                cancel=ctx.cancel,
            )
        except ClientError as error:
            raise _cancelled(run_id, error, ctx) from error


def _cancelled(run_id: str, error: ClientError, ctx: Context[Client]) -> Exception:
    """Cancel a run whose wait has ended, and return the error for the user."""
    try:
        ctx.api.for_cleanup().cancel_run(run_id)
    except ClientError as failure:
        outcome = f"it could not be cancelled ({failure})"
    else:
        outcome = "it was cancelled"
    text = f"{error}: {outcome}"
    return ClientCancelledError(text) if isinstance(error, ClientCancelledError) else ResourceError(text)


class SqlExecuteArgs(Arguments):
    """The statement."""

    query: Annotated[str, Validator(lambda sql: bool(sql.strip()), "must not be empty")] = Field(
        description="SQL. Reads run on DuckDB, writes on Spark."
    )
    warehouse_id: str | None = Field(None, description="Id of the warehouse that runs it. It must be running.")


class SqlExecuteResult(Result):
    """The result of a statement."""

    columns: list[str] = Field([], description="Names of the columns.")
    rows: Any = Field(None, description="The rows: a list of lists, in the order of `columns`.")
    engine: str | None = Field(None, description="`duckdb` or `spark`.")
    elapsed_ms: float | None = Field(None, description="Duration in milliseconds.")
    tables_read: list[str] = Field([], description="The tables that the statement read.")


class SqlExecute(DataSource[SqlExecuteArgs, SqlExecuteResult, "Client"]):
    """Run one SQL statement on a warehouse.

    As a data source or function it runs with every plan and update, but not in Pulumi's previews, because it may write.
    """

    name = "sql_execute"
    runs_in_preview = False

    def call(self, args: SqlExecuteArgs, ctx: Context[Client]) -> SqlExecuteResult:
        """Run the statement."""
        with lost_response("If the SQL writes, look whether it did before you run it again"):
            found = ctx.api.execute(args.query, args.warehouse_id)
        return SqlExecuteResult(
            columns=found.columns,
            rows=found.rows,
            engine=found.engine,
            elapsed_ms=found.elapsed_ms,
            tables_read=found.lineage.read,
        )


class Metric(BaseModel):
    """A value of a metric."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(description="Name of the metric.", min_length=1)
    value: float = Field(description="Value.")
    step: int | None = Field(None, description="Step.")


class LogMetricsArgs(Arguments):
    """The metrics of a run of an experiment."""

    experiment_id: str = Field(description="Id of the experiment.")
    run_id: str = Field(description="Id of the run.")
    metrics: list[Metric] = Field(description="The values. Several are sent in one call.", min_length=1)


class LogMetricsResult(Result):
    """What was logged."""

    logged: int = Field(description="Number of values.")


class LogMetrics(DataSource[LogMetricsArgs, LogMetricsResult, "Client"]):
    """Log metrics of a run of an experiment: the latest value, and the history by step."""

    name = "log_metrics"
    runs_in_preview = False

    def call(self, args: LogMetricsArgs, ctx: Context[Client]) -> LogMetricsResult:
        """Log the metrics."""
        metrics = [metric.model_dump(exclude_none=True) for metric in args.metrics]
        ctx.api.log_metrics(args.experiment_id, args.run_id, metrics)
        return LogMetricsResult(logged=len(metrics))


ACTIONS: tuple[DataSource[Any, Any, Client], ...] = (JobRun(), SqlExecute(), LogMetrics())
