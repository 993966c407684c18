"""The `ProviderCode` resource: an uploaded archive, and its build."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from pragma.ids import PART
from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Computed, RequiresReplace, Result
from resourcekit.http.errors import read_or_none
from resourcekit.http_resource import lost_response, wait_until
from resourcekit.resource import Resource

if TYPE_CHECKING:
    from pragma.api import Build, Client

_BUILT: Final = "success"
_FAILED: Final = "failed"


class ProviderCodeArgs(Arguments):
    """What a program may set."""

    provider_name: Annotated[str, RequiresReplace(), Field(pattern=PART)] = Field(description="The provider's name.")
    archive: str = Field(description="Path of the archive (`.tar.gz`) to upload.")
    archive_sha256: str | None = Field(
        None, description="The archive's hash. A change uploads it again: `filesha256(…)` in Terraform."
    )


class ProviderCodeState(ProviderCodeArgs, Result):
    """The last upload."""

    version: Annotated[str | None, Computed()] = Field(None, description="The version that the upload has created.")
    job_name: Annotated[str | None, Computed()] = Field(None, description="The build of the upload.")
    status: Annotated[str | None, Computed()] = Field(None, description="The build's status; `success` at its end.")


class ProviderCode(Resource[ProviderCodeArgs, ProviderCodeState, "Client"]):
    """The code of a Pragma provider: each upload is a new version, which the API builds.

    The API documents no way to delete uploaded code or to list it. A destroy removes it from the engine's state only,
    with a message, and an import is not possible. If the last build is no longer known to the API, the state stays as
    it is.
    """

    name = "ProviderCode"
    import_id = "nothing: uploaded code cannot be imported"
    cannot_delete = "the code stays at the service, because the API documents no way to delete it"

    def create(self, args: ProviderCodeArgs, ctx: Context[Client]) -> tuple[str, ProviderCodeState]:
        """Upload the code, and wait for its build."""
        return args.provider_name, _upload(args, ctx)

    def read(self, id: str, prior: ProviderCodeState | None, ctx: Context[Client]) -> ProviderCodeState | None:
        """Read the last build."""
        if prior is None:
            raise ResourceError("uploaded code cannot be imported: the API documents no way to read it. Upload it anew")
        if prior.job_name is None:
            return prior
        job_name = prior.job_name
        build = read_or_none(lambda: ctx.api.get_build(id, job_name))
        return prior if build is None else prior.model_copy(update={"status": build.status})

    def update(
        self, id: str, args: ProviderCodeArgs, prior: ProviderCodeState, changed: frozenset[str], ctx: Context[Client]
    ) -> ProviderCodeState:
        """Upload changed code, or resume the wait for its build."""
        if changed or prior.job_name is None or prior.status == _FAILED:
            return _upload(args, ctx)
        job_name = prior.job_name
        build = read_or_none(lambda: ctx.api.get_build(id, job_name))
        if build is None:  # the API has forgotten a build that had not succeeded
            return _upload(args, ctx)
        return _built(args, build, prior.version, ctx)

    def is_incomplete(self, prior: ProviderCodeState) -> bool:
        """Return whether the build has not succeeded."""
        return prior.status != _BUILT


def _upload(args: ProviderCodeArgs, ctx: Context[Client]) -> ProviderCodeState:
    try:
        content = Path(args.archive).read_bytes()
    except OSError as error:
        raise ResourceError(f"{args.archive} cannot be read: {error.strerror}", property="archive") from None
    with lost_response("The code may have been uploaded: a repeated upload is one more version"):
        build = ctx.api.push_code(args.provider_name, content)
    return _built(args, build, build.version, ctx)


def _built(args: ProviderCodeArgs, build: Build, version: str | None, ctx: Context[Client]) -> ProviderCodeState:
    """Return the state when the build has succeeded; raises ResourceError if it failed."""

    def state(found: Build) -> ProviderCodeState:
        return ProviderCodeState(**args.model_dump(), version=version, job_name=found.job_name, status=found.status)

    ctx.checkpoint(args.provider_name, state(build))
    found = wait_until(
        ctx,
        lambda: ctx.api.get_build(args.provider_name, build.job_name),
        lambda each: each.status in (_BUILT, _FAILED),
        what=f"the build {build.job_name} is still running",
        progress=build.job_name,
    )
    ctx.checkpoint(args.provider_name, state(found))
    if found.status == _FAILED:
        raise ResourceError(
            f"the build {found.job_name} failed: {found.error_message or 'the API gives no reason'}. Correct the code, "
            "and run it again, which uploads it again"
        )
    return state(found)
