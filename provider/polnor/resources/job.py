"""The `Job` resource: a command, or a graph of tasks. The API neither reads nor deletes a job."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from resourcekit.context import Context
from resourcekit.errors import CheckFailure, ResourceError
from resourcekit.fields import Arguments, Result
from resourcekit.http.errors import NotFoundError
from resourcekit.http_resource import lost_response
from resourcekit.resource import Resource
from resourcekit.unknown import UNKNOWN, contains_unknown

if TYPE_CHECKING:
    from polnor.api import Client


class JobTask(BaseModel):
    """A task of a job."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(description="Key, unique in the job.", min_length=1)
    command: str = Field(description="Command line.")
    depends_on: list[str] | None = Field(None, description="Keys of the tasks that must end before.")
    max_retries: int | None = Field(None, description="How often a failed task is tried again.", ge=0)
    timeout_seconds: int | None = Field(None, description="Seconds after which the task is ended.", ge=1)


class JobArgs(Arguments):
    """The arguments of a job."""

    name: str = Field(description="Name.", min_length=1)
    tasks: list[JobTask] | None = Field(
        None,
        description="Tasks. If omitted, the API leaves them as they are: a new job is a single command. An empty list "
        "removes them.",
    )


class JobState(JobArgs, Result):
    """A job as this program last wrote it."""


class Job(Resource[JobArgs, JobState, "Client"]):
    """A job: a graph of tasks that runs on request.

    The API has no call that reads or deletes a job. So a preview does not see what was changed elsewhere, a job cannot
    be imported, and `destroy` removes it from the state only, with a message. A change never affects past runs. The API
    has no idempotency keys: if the response to a creation is lost, the outcome is unknown, and the message says so.
    """

    name = "Job"
    cannot_delete = "the API cannot delete a job"

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Check the graph: unique keys, known dependencies, no cycle."""
        tasks = args.get("tasks")
        if tasks is None or contains_unknown(tasks) or tasks is UNKNOWN:
            return
        depends = {task["key"]: task.get("depends_on") or [] for task in tasks}
        if len(depends) < len(tasks):
            yield CheckFailure("tasks", "two tasks have the same `key`: give each a key of its own")
        unknown = sorted({name for names in depends.values() for name in names} - depends.keys())
        if unknown:
            yield CheckFailure("tasks", f"`depends_on` names {', '.join(unknown)}, which is the key of no task")
            return
        try:
            graphlib.TopologicalSorter(depends).prepare()
        except graphlib.CycleError as error:
            cycle = " -> ".join(reversed(error.args[1]))
            yield CheckFailure("tasks", f"the tasks depend on each other in a circle: {cycle}")

    def create(self, args: JobArgs, ctx: Context[Client]) -> tuple[str, JobState]:
        """Create the job."""
        with lost_response(
            f"The job {args.name!r} may have been created, and the API can neither list nor delete jobs: look for it "
            "in Polnor's console before you run it again, which creates another one"
        ):
            made = ctx.api.create_job(_body(args, with_null_tasks=False))
        return made.id, _state(args)

    def read(self, id: str, prior: JobState | None, ctx: Context[Client]) -> JobState | None:
        """Return the state as it is stored: the API cannot read a job."""
        if prior is None:
            raise ResourceError(f"the job {id} cannot be imported: the API has no call that reads a job")
        return prior

    def update(
        self, id: str, args: JobArgs, prior: JobState, changed: frozenset[str], ctx: Context[Client]
    ) -> JobState:
        """Change the job. Tasks that the program does not name stay."""
        if changed:
            try:
                ctx.api.update_job(id, _body(args, with_null_tasks=True))
            except NotFoundError as error:
                raise ResourceError(
                    f"{error}: the job {id} is gone. Remove it from the state (`pulumi state delete`, `terraform state "
                    "rm`, `tofu state rm`) and run it again, which creates a new one"
                ) from error
        return _state(args)


def _body(args: JobArgs, *, with_null_tasks: bool) -> dict[str, Any]:
    from resourcekit.http.models import to_body

    body = to_body({"name": args.name, "tasks": args.tasks})
    return {"tasks": None, **body} if with_null_tasks else body


def _state(args: JobArgs) -> JobState:
    return JobState.model_construct(name=args.name, tasks=args.tasks)
