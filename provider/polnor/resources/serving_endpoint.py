"""The `ServingEndpoint` resource: a model version behind a URL. The API lists endpoints and creates them, no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from resourcekit.context import Context
from resourcekit.fields import Arguments, Computed, RequiresReplace, Result
from resourcekit.http_resource import state_of
from resourcekit.list_query import EVERYTHING, ListQuery
from resourcekit.resource import Resource
from resourcekit.unique_names import NamedCreate, create_named

if TYPE_CHECKING:
    from polnor.api import Client
    from polnor.models import Endpoint


class ServingEndpointArgs(Arguments):
    """The arguments of a serving endpoint."""

    name: Annotated[str, RequiresReplace()] = Field(description="Name.", min_length=1)
    model: Annotated[str, RequiresReplace()] = Field(description="Model, such as `churn-v3`.")
    version: Annotated[int, RequiresReplace()] = Field(description="Version of the model.", ge=1)


class ServingEndpointState(ServingEndpointArgs, Result):
    """A serving endpoint as the API lists it."""

    status: Annotated[str | None, Computed()] = Field(None, description="Status.")
    qps: Annotated[float | None, Computed()] = Field(None, description="Requests a second.")
    latency_ms: Annotated[float | None, Computed()] = Field(None, description="Latency in milliseconds.")


class ServingEndpoint(Resource[ServingEndpointArgs, ServingEndpointState, "Client"]):
    """A serving endpoint of a model version.

    The API can neither change nor delete an endpoint. `destroy` removes it from the state only, with a message, and a
    change needs another `name`: the preview says so. Its name identifies it, because the API's page shows no id.
    """

    name = "ServingEndpoint"
    import_id = "its name"
    cannot_delete = "the API cannot delete an endpoint"

    def preview_replacement(self, args: Mapping[str, Any], prior: ServingEndpointState, ctx: Context[Client]) -> None:
        """Warn that the old endpoint stays, and refuses another one of its name."""
        if args.get("name") == prior.name:
            ctx.warn(
                f"the API cannot delete the endpoint {prior.name!r}, so another one of this name will be refused: "
                "choose another `name`",
                attribute="name",
            )

    def create(self, args: ServingEndpointArgs, ctx: Context[Client]) -> tuple[str, ServingEndpointState]:
        """Create the endpoint."""
        made = create_named(
            NamedCreate(
                noun="serving endpoint",
                name=args.name,
                find=lambda: _find(args.name, ctx),
                send=lambda: ctx.api.create_endpoint(args.name, args.model, args.version),
                id_of=lambda each: each.name,
            ),
            ctx,
        )
        return made.name, state_of(self, made, args)

    def read(self, id: str, prior: ServingEndpointState | None, ctx: Context[Client]) -> ServingEndpointState | None:
        """Read the endpoint from the list."""
        found = _find(id, ctx)
        return None if found is None else state_of(self, found, prior)

    def list(
        self, ctx: Context[Client], query: ListQuery = EVERYTHING
    ) -> Iterable[tuple[str, str, ServingEndpointState]]:
        """Yield name, name and state of each endpoint."""
        return ((each.name, each.name, state_of(self, each, None)) for each in ctx.api.iter_endpoints())


def _find(name: str, ctx: Context[Client]) -> Endpoint | None:
    return next((each for each in ctx.api.iter_endpoints() if each.name == name), None)
