"""Objects of Polnor's API. Its page shows samples, no schemas: every field that a sample lacks is optional."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, Field

from resourcekit.http.models import Model, Texts


class Instance(Model):
    """A compute instance. `POST /compute` returns the id and the status only."""

    id: str
    status: str
    name: str | None = None
    flavor: str | None = None
    region: str | None = None
    auto_stop: str | None = None


class Warehouse(Model):
    """A SQL warehouse: stopped, starting, running or stopping. Some calls of the API say `status`, its page `state`."""

    id: str
    name: str | None = None
    state: str = Field("", validation_alias=AliasChoices("state", "status"))


class Job(Model):
    """A job. The page shows no response; it must have an id."""

    id: str


class Run(Model):
    """A run of a job. Statuses: pending, running, success, failed, cancelled."""

    id: str = Field(validation_alias=AliasChoices("run_id", "id"))  # `run_id` in the response to a start
    status: str
    started_at: str | None = None
    finished_at: str | None = None


class TaskResult(Model):
    """A task of a run."""

    key: str = Field(description="Key of the task.")
    status: str = Field(description="Status of the task.")
    retry_count: int | None = Field(None, description="How often it was tried again.")


class Lineage(Model):
    """The tables that were read and written."""

    read: Texts = Field(default_factory=list)
    write: Texts = Field(default_factory=list)


class SqlResult(Model):
    """The result of a statement."""

    columns: Texts = Field(default_factory=list)
    rows: list[list[Any]] = Field(default_factory=list)
    engine: str | None = None
    elapsed_ms: float | None = None
    lineage: Lineage = Field(default_factory=Lineage)


class Endpoint(Model):
    """A serving endpoint."""

    name: str
    model: str | None = None
    version: int | None = None
    status: str | None = None
    qps: float | None = None
    latency_ms: float | None = None
