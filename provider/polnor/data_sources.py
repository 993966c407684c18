"""The data sources. Objects whose fields the API's page does not show are returned as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from polnor.actions import SqlExecute
from polnor.models import TaskResult
from resourcekit.context import Context
from resourcekit.fields import Arguments, Computed, Result, Secret
from resourcekit.path_sources import list_source, object_source
from resourcekit.resource import DataSource

if TYPE_CHECKING:
    from polnor.api import Client

DAY = r"^\d{4}-\d{2}-\d{2}$"


class DatabaseArgs(Arguments):
    """A database."""

    database_id: str = Field(description="Id of the database, a namespace.")


class ModelArgs(Arguments):
    """A model."""

    model_id: str = Field(description="Id of the model.")


class PeriodArgs(Arguments):
    """A range of days."""

    from_date: Annotated[str, Field(pattern=DAY)] = Field(description="First day, such as 2026-06-01.")
    to_date: Annotated[str, Field(pattern=DAY)] = Field(description="Last day.")


class AuditArgs(PeriodArgs):
    """A range of days, and what the roll-ups are grouped by."""

    group_by: list[str] | None = Field(None, description="`day` and `action`, in the order of the grouping.")


class MetricArgs(Arguments):
    """A metric of a run of an experiment."""

    experiment_id: str = Field(description="Id of the experiment.")
    run_id: str = Field(description="Id of the run.")
    key: str = Field(description="Name of the metric.")


_PERIOD: Final = {"from_date": "from", "to_date": "to"}
_LISTS = (
    list_source("get_compute_instances", "The compute instances of the workspace.", "/compute"),
    list_source("get_warehouses", "The SQL warehouses of the workspace, and their states.", "/sql/warehouses"),
    list_source("get_databases", "The databases of the catalog: Iceberg namespaces.", "/databases"),
    list_source(
        "get_tables",
        "The tables of a database, with row counts and snapshots.",
        "/databases/{database_id}/tables",
        DatabaseArgs,
    ),
    list_source("get_endpoints", "The serving endpoints, with status, version and load.", "/endpoints"),
    list_source("get_model_endpoints", "The serving endpoints of a model.", "/models/{model_id}/endpoints", ModelArgs),
    list_source("get_invoices", "The invoices of the workspace: draft, sent or paid.", "/settings/billing/invoices"),
    list_source(
        "get_usage",
        "Usage and cost of a range of days.\n\nThe sample of the API's page has a `total_cost` that is the "
        "`provider_cost`, although `multiplier` is 2: the provider returns the numbers as they are.",
        "/settings/billing/usage",
        PeriodArgs,
        parameters=_PERIOD,
    ),
    list_source(
        "get_audit_analytics",
        "Daily roll-ups of the audit log.",
        "/audit/analytics",
        AuditArgs,
        parameters=_PERIOD,
        separator=",",
    ),
    list_source(
        "get_metric_history",
        "The history of a metric: step, value and time.",
        "/experiments/{experiment_id}/runs/{run_id}/metrics/{key}",
        MetricArgs,
    ),
)


class TableArgs(DatabaseArgs):
    """A table."""

    schema_name: str = Field(description="Name of the schema.")
    table: str = Field(description="Name of the table.")


class ColumnResult(Result):
    """A column of a table."""

    name: str = Field(description="Name.")
    type: str = Field(description="Iceberg type, such as `long` or `decimal(10,2)`.")


class TableSchemaResult(Result):
    """The columns of a table."""

    columns: list[ColumnResult] = Field([], description="The columns, in order.")


class RunArgs(Arguments):
    """A run."""

    run_id: str = Field(description="Id of the run.")


class RunResult(Result):
    """A run with its tasks, and the tables that it read and wrote."""

    status: str = Field(description="`pending`, `running`, `success`, `failed` or `cancelled`.")
    started_at: str | None = Field(None, description="When it began.")
    finished_at: str | None = Field(None, description="When it ended.")
    tasks: list[TaskResult] = Field([], description="The tasks; none for a job of a single command.")
    tables_read: list[str] = Field([], description="The tables that it read.")
    tables_written: list[str] = Field([], description="The tables that it wrote.")


class GetRun(DataSource[RunArgs, RunResult, "Client"]):
    """A run of a job: status, tasks and lineage."""

    name = "get_run"

    def call(self, args: RunArgs, ctx: Context[Client]) -> RunResult:
        """Read the run."""
        run, lineage = ctx.api.get_run(args.run_id), ctx.api.get_lineage(args.run_id)
        return RunResult(
            status=run.status,
            started_at=run.started_at,
            finished_at=run.finished_at,
            tasks=list(ctx.api.iter_tasks(args.run_id)),
            tables_read=lineage.read,
            tables_written=lineage.write,
        )


class TaskArgs(RunArgs):
    """A task of a run."""

    key: str = Field(description="Key of the task.")


class LogsResult(Result):
    """The logs of a task."""

    logs: Any = Field(None, description="The logs, as the API returns them.")


class GetTaskLogs(DataSource[TaskArgs, LogsResult, "Client"]):
    """The logs of a task of a run."""

    name = "get_task_logs"

    def call(self, args: TaskArgs, ctx: Context[Client]) -> LogsResult:
        """Read the logs."""
        return LogsResult(logs=ctx.api.get_logs(args.run_id, args.key))


class UploadArgs(Arguments):
    """An artifact of a run of an experiment."""

    experiment_id: str = Field(description="Id of the experiment.")
    run_id: str = Field(description="Id of the run.")
    path: str = Field(description="Path of the artifact below the run.")


class UploadResult(Result):
    """A place to upload an artifact to."""

    url: Annotated[str, Computed(), Secret()] = Field(description="Presigned URL. It permits the upload without a key.")
    expires_at: str | None = Field(None, description="When it expires.")


class GetUploadUrl(DataSource[UploadArgs, UploadResult, "Client"]):
    """A presigned URL to upload an artifact to the workspace's own object store."""

    name = "get_upload_url"

    def call(self, args: UploadArgs, ctx: Context[Client]) -> UploadResult:
        """Request the URL."""
        return UploadResult.model_validate(ctx.api.presign_artifact(args.experiment_id, args.run_id, args.path))


UPLOADS: tuple[DataSource[Any, Any, Client], ...] = (GetUploadUrl(),)
DATA_SOURCES: tuple[DataSource[Any, Any, Client], ...] = (
    *_LISTS,
    object_source(
        "get_table_schema",
        "The columns of a table of the catalog.",
        "/databases/{database_id}/schemas/{schema_name}/tables/{table}/schema",
        TableArgs,
        result=TableSchemaResult,
    ),
    GetRun(),
    GetTaskLogs(),
    *UPLOADS,
    SqlExecute(),
)
