"""The `Resource` resource: anything that a Pragma provider manages."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from pragma.ids import PART, normalize, resource_id
from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Computed, RequiresReplace, Result, Secret, Stable, Unordered
from resourcekit.gone import confirm_gone
from resourcekit.http.errors import ConflictError, NotFoundError
from resourcekit.http_resource import wait_until
from resourcekit.list_query import EVERYTHING, ListQuery
from resourcekit.resource import Resource as Declaration

if TYPE_CHECKING:
    from pragma.api import Client
    from pragma.api import Resource as ApiResource

_FAILED: Final = "failed"
_FROZEN: Final = ("pending", "processing")
_Part = Annotated[str, RequiresReplace(), Field(pattern=PART)]


class ResourceArgs(Arguments):
    """What a program may set."""

    provider_name: _Part = Field(description="The provider that manages the resource, such as `postgres`.")
    resource_type: _Part = Field(description="The type of the resource, such as `database`.")
    name: _Part = Field(description="Its name, unique for this provider and type.")
    config: dict[str, Any] | None = Field(None, description="Its configuration, as the provider defines it.")
    tags: Annotated[list[str] | None, Unordered()] = Field(None, description="Its tags.")
    lifecycle_state: Annotated[Literal["draft", "pending"] | None, Computed(), Stable()] = Field(
        None,
        description="`draft` stores the resource; `pending` has it processed, and waits for the result. If it is left "
        "out, a new resource is a draft, and another one keeps what it has.",
    )


class ResourceState(ResourceArgs, Result):
    """The resource as the API returns it."""

    status: Annotated[str | None, Computed()] = Field(
        None, description="The API's lifecycle state: draft, pending, processing, ready or failed."
    )
    outputs: Annotated[dict[str, Any] | None, Computed(), Secret()] = Field(
        None, description="What the resource exposes, such as connection strings."
    )
    error: Annotated[str | None, Computed()] = Field(None, description="Why the processing failed.")


class Resource(Declaration[ResourceArgs, ResourceState, "Client"]):
    """A resource of a Pragma provider. It is committed and waited for with `lifecycle_state` = `pending`.

    While a resource is pending or processing, the API does not allow changes: an update and a delete wait until it is
    ready or failed. If the processing failed, the next run commits the resource again.

    A resource that exists already is not taken over, because the API has no sign of who created it: import it. The
    API's id joins provider, type and name by `_`, so two resources whose parts contain `_` may have the same id; the
    second one is refused.
    """

    name = "Resource"
    import_id = "`provider/resource/name`, or the API's `resource:{provider}_{resource}_{name}`"

    def normalize_id(self, id: str) -> str:
        """Return the API's id for either spelling."""
        try:
            return normalize(id)
        except ValueError as error:
            raise ResourceError(str(error)) from None

    def create(self, args: ResourceArgs, ctx: Context[Client]) -> tuple[str, ResourceState]:
        """Create the resource, and wait for it if it is committed."""
        id_ = resource_id(args.provider_name, args.resource_type, args.name)
        found = ctx.api.find_resource(id_)
        if found is not None:
            other = f"{found.provider}/{found.resource}/{found.name}"
            raise ResourceError(
                f"the id {id_} belongs to {other} already. Import it, or choose another `name`", property="name"
            )
        wanted = args.lifecycle_state or "draft"
        applied = _apply(id_, args, wanted, ctx)
        ctx.checkpoint(id_, _state(applied))
        return id_, _complete(id_, wanted, applied, ctx)

    def read(self, id: str, prior: ResourceState | None, ctx: Context[Client]) -> ResourceState | None:
        """Read the resource."""
        found = ctx.api.find_resource(id)
        if found is None:
            confirm_gone("pragma", self, id, ctx)
            return None
        return _state(found)

    def update(
        self, id: str, args: ResourceArgs, prior: ResourceState, changed: frozenset[str], ctx: Context[Client]
    ) -> ResourceState:
        """Change the resource once it is not frozen, or resume the wait for it."""
        wanted = args.lifecycle_state or prior.lifecycle_state or "draft"
        current = ctx.api.get_resource(id)
        if not changed and current.lifecycle_state in _FROZEN:
            return _complete(id, wanted, current, ctx)
        _unfrozen(id, current, ctx)
        return _complete(id, wanted, _apply(id, args, wanted, ctx), ctx)

    def delete(self, id: str, prior: ResourceState, ctx: Context[Client]) -> None:
        """Delete the resource once it is not frozen, and wait until it is gone."""
        found = ctx.api.find_resource(id)
        if found is None:
            confirm_gone("pragma", self, id, ctx)
            return
        ctx.ownership.found.add(self.name)
        try:
            _unfrozen(id, found, ctx)
            ctx.api.delete_resource(id)
        except NotFoundError:
            return
        find = functools.partial(ctx.api.find_resource, id)
        wait_until(ctx, find, lambda found: found is None, what=f"{id} is still there", progress=id)

    def list(self, ctx: Context[Client], query: ListQuery = EVERYTHING) -> Iterable[tuple[str, str, ResourceState]]:
        """Yield id, spelling for people, and state of each resource. The API has no pages, so all are read."""
        is_before = bool(query.after)
        for each in ctx.api.iter_resources():
            parts = (each.provider, each.resource, each.name)
            if not is_before:
                yield resource_id(*parts), "/".join(parts), _state(each)
            is_before = is_before and resource_id(*parts) != query.after

    def is_incomplete(self, prior: ResourceState) -> bool:
        """Return whether the resource is committed and not ready."""
        return prior.lifecycle_state == "pending" and prior.status != "ready"


def _apply(id: str, args: ResourceArgs, wanted: str, ctx: Context[Client]) -> ApiResource:
    """Apply the resource. If an attempt with a lost response has committed it, the API refuses another: read it."""
    body = _body(args, wanted)
    try:
        return ctx.api.apply_resource(body)
    except ConflictError as error:
        if not error.was_retried:
            raise
        found = ctx.api.get_resource(id)
        if any(getattr(found, name) != body[name] for name in ("provider", "resource", "name", "config", "tags")):
            raise
        return found


def _body(args: ResourceArgs, wanted: str) -> dict[str, Any]:
    return {
        "provider": args.provider_name,
        "resource": args.resource_type,
        "name": args.name,
        "config": args.config or {},
        "tags": args.tags or [],
        "lifecycle_state": wanted,
    }


def _state(found: ApiResource) -> ResourceState:
    """Return the state. A resource that is not a draft is committed."""
    return ResourceState(
        provider_name=found.provider,
        resource_type=found.resource,
        name=found.name,
        config=found.config or None,
        tags=found.tags or None,
        lifecycle_state="draft" if found.lifecycle_state == "draft" else "pending",
        status=found.lifecycle_state,
        outputs=found.outputs,
        error=found.error,
    )


def _complete(id: str, wanted: str, applied: ApiResource, ctx: Context[Client]) -> ResourceState:
    """Return the state when a committed resource is ready; raises ResourceError if it failed."""
    found = applied
    if wanted == "pending":
        found = _unfrozen(id, applied, ctx)
        ctx.checkpoint(id, _state(found))
        if found.lifecycle_state == _FAILED:
            reason = found.error or "the API gives no reason"
            raise ResourceError(
                f"{id} failed: {reason}. Correct `config`, or run it again, which commits it again; the data source "
                "`getDeadLetter` has the events"
            )
    return _state(found)


def _unfrozen(id: str, current: ApiResource, ctx: Context[Client]) -> ApiResource:
    """Return the resource when it is neither pending nor processing."""
    return wait_until(
        ctx,
        lambda: ctx.api.get_resource(id),
        lambda found: found.lifecycle_state not in _FROZEN,
        what=f"{id} is still being processed",
        progress=id,
        found=current,
    )
