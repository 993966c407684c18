"""The `ComputeInstance` resource: an instance and whether it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from resourcekit.context import Context
from resourcekit.declaration import Timeouts
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Computed, ProviderOnly, RequiresReplace, Result, Stable, Validator
from resourcekit.gone import confirm_gone
from resourcekit.http.errors import ConflictError, NotFoundError
from resourcekit.http_resource import state_of, wait_until
from resourcekit.list_query import EVERYTHING, ListQuery
from resourcekit.resource import Resource
from resourcekit.unique_names import NamedCreate, create_named

if TYPE_CHECKING:
    from polnor.api import Client
    from polnor.models import Instance

RUNNING: Final = "running"
STOPPED: Final = "stopped"
# The page lists 30m, 2h and never, and names 1h as the default (other-apis, Polnor: POST /compute).
AUTO_STOP: Final = ("30m", "1h", "2h", "never")


class ComputeInstanceArgs(Arguments):
    """The arguments of a compute instance."""

    name: Annotated[str, RequiresReplace()] = Field(description="Name, unique in the workspace.", min_length=1)
    flavor: Annotated[str, RequiresReplace()] = Field(description="Size, such as `gpu.a100` or `cpu.32`.")
    auto_stop: Annotated[
        str | None,
        RequiresReplace(),
        Computed(),
        Validator(lambda value: value in AUTO_STOP, f"must be one of {', '.join(AUTO_STOP)}"),
    ] = Field(None, description="When an idle instance stops: `30m`, `1h` (the API's default), `2h` or `never`.")
    image: Annotated[str | None, RequiresReplace()] = Field(
        None,
        description="Image. The API pins it at the first start, and never returns it, so an imported instance has none "
        "in the state: a program that sets `image` for it plans a replacement (in Pulumi, the import fails). Leave "
        "`image` out for an imported instance.",
    )
    state: Annotated[
        str | None,
        Computed(),
        Validator(lambda value: value in (RUNNING, STOPPED), f"must be `{RUNNING}` or `{STOPPED}`"),
    ] = Field(
        None,
        description="`running` or `stopped`. If omitted, the instance stays as it is: a new one is stopped. With "
        "`running`, use `auto_stop = never`: otherwise each run after an automatic stop starts it again.",
    )
    stop_before_delete: Annotated[bool | None, ProviderOnly(default=True)] = Field(
        None,
        description="Whether a running instance is stopped before it is deleted. With `false`, the API's refusal (409) "
        "is reported. Default `true`.",
    )


class ComputeInstanceState(ComputeInstanceArgs, Result):
    """A compute instance as the API lists it."""

    status: Annotated[str | None, Computed()] = Field(None, description="Status, such as `running` or `stopped`.")
    region: Annotated[str | None, Computed(), Stable()] = Field(None, description="Region of the cloud provider.")


class ComputeInstance(Resource[ComputeInstanceArgs, ComputeInstanceState, "Client"]):
    """A GPU or CPU instance, and whether it runs.

    The API cannot change an instance, so every argument but `state` replaces it. It has no call that reads one: the
    list is read. It has no idempotency keys: an instance of the same name that exists already is refused, and one whose
    creation lost its response is found by its name.
    """

    name = "ComputeInstance"
    timeouts = Timeouts(create=1800, update=1800, delete=900)

    def preview_replacement(self, args: Mapping[str, Any], prior: ComputeInstanceState, ctx: Context[Client]) -> None:
        """Warn that the name is taken as long as the old instance exists, and of an image that cannot be compared."""
        if prior.image is None and args.get("image") is not None:
            ctx.warn(
                "the API never returns the image, so the state of an imported instance has none: leave `image` out to "
                "keep the instance",
                attribute="image",
            )
        if args.get("name") == prior.name:
            ctx.warn(
                f"the old instance still has the name {prior.name!r} if the new one is created first: set "
                "`deleteBeforeReplace` (Pulumi), remove `create_before_destroy` (Terraform, OpenTofu), or give the new "
                "one another `name`",
                attribute="name",
            )

    def create(self, args: ComputeInstanceArgs, ctx: Context[Client]) -> tuple[str, ComputeInstanceState]:
        """Create the instance, and start it if it is to run."""
        from resourcekit.http.models import to_body

        body = to_body({"name": args.name, "flavor": args.flavor, "auto_stop": args.auto_stop, "image": args.image})
        made = create_named(
            NamedCreate(
                noun="compute instance",
                name=args.name,
                find=lambda: next((each for each in ctx.api.iter_instances() if each.name == args.name), None),
                send=lambda: ctx.api.create_instance(body),
                id_of=lambda each: each.id,
                refuses_duplicates=True,
            ),
            ctx,
        )
        state = self._state(made, args)
        ctx.checkpoint(made.id, state)
        return made.id, self.update(made.id, args, state, frozenset(), ctx)

    def read(self, id: str, prior: ComputeInstanceState | None, ctx: Context[Client]) -> ComputeInstanceState | None:
        """Read the instance from the list."""
        found = ctx.api.find_instance(id)
        if found is None:
            confirm_gone("polnor", self, id, ctx)
            return None
        return self._state(found, prior)

    def update(
        self,
        id: str,
        args: ComputeInstanceArgs,
        prior: ComputeInstanceState,
        changed: frozenset[str],
        ctx: Context[Client],
    ) -> ComputeInstanceState:
        """Start or stop the instance, or resume the wait for that."""
        found = _get(id, ctx) if args.state is None else self._bring_to(id, args.state, ctx)
        return self._state(found, args)

    def delete(self, id: str, prior: ComputeInstanceState, ctx: Context[Client]) -> None:
        """Delete the instance. A running one is stopped first, unless the program says otherwise."""
        try:
            try:
                ctx.api.delete_instance(id)
            except ConflictError as error:
                if prior.stop_before_delete is False:
                    raise ResourceError(
                        f"{error}. Stop it first, or remove `stop_before_delete = false`", property="stop_before_delete"
                    ) from error
                self._bring_to(id, STOPPED, ctx)
                ctx.api.delete_instance(id)
        except NotFoundError:
            confirm_gone("polnor", self, id, ctx)
        else:
            ctx.ownership.found.add(self.name)

    def list(
        self, ctx: Context[Client], query: ListQuery = EVERYTHING
    ) -> Iterable[tuple[str, str, ComputeInstanceState]]:
        """Yield id, name and state of each instance."""
        return ((each.id, each.name or each.id, self._state(each, None)) for each in ctx.api.iter_instances())

    def is_incomplete(self, prior: ComputeInstanceState) -> bool:
        """Return whether the instance was on its way when an earlier run ended."""
        return prior.status not in (None, RUNNING, STOPPED, "failed", "error")

    def _bring_to(self, id: str, desired: str, ctx: Context[Client]) -> Instance:
        def step() -> Instance:
            """Read the instance, and start or stop it where it rests in the other state."""
            found = _get(id, ctx)
            if found.status in (RUNNING, STOPPED) and found.status != desired:
                # A conflict means that it has left that state since: the next read shows where it goes.
                with contextlib.suppress(ConflictError):
                    ctx.api.switch_instance(id, "start" if desired == RUNNING else "stop")
            return found

        return wait_until(
            ctx,
            step,
            lambda each: each.status == desired,
            what=f"compute instance {id} is not {desired} yet",
            progress=f"waiting until it is {desired}",
            found=step(),
        )

    def _state(self, found: Instance, known: ComputeInstanceArgs | None) -> ComputeInstanceState:
        """Return the state. The response to a create lacks most fields, and no response has the image."""
        return state_of(self, found, known, state=RUNNING if found.status in (RUNNING, "starting") else STOPPED)


def _get(id: str, ctx: Context[Client]) -> Instance:
    found = ctx.api.find_instance(id)
    if found is None:
        raise NotFoundError(404, "", f"compute instance {id} is not in the list: refresh the state")
    return found
