"""The data sources: resources by their properties, and events that could not be processed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from pragma.ids import resource_id
from resourcekit.context import Context
from resourcekit.fields import Arguments, Result, Unordered
from resourcekit.resource import DataSource

if TYPE_CHECKING:
    from pragma.api import Client, DeadLetter


class GetResourcesArgs(Arguments):
    """The filters; without any, all resources are returned."""

    provider_name: str | None = Field(None, description="Only resources of this provider.")
    resource_type: str | None = Field(None, description="Only resources of this type.")
    tags: Annotated[list[str] | None, Unordered()] = Field(None, description="Only resources with these tags.")


class ResourceSummary(BaseModel):
    """A resource."""

    id: str = Field(description="The API's id.")
    provider_name: str = Field(description="Its provider.")
    resource_type: str = Field(description="Its type.")
    name: str = Field(description="Its name.")
    status: str = Field(description="Its lifecycle state.")
    tags: list[str] = Field([], description="Its tags.")
    config: Any = Field(None, description="Its configuration.")


class GetResourcesResult(Result):
    """The resources."""

    resources: list[ResourceSummary] = Field([], description="The resources, without their outputs.")


class GetResources(DataSource[GetResourcesArgs, GetResourcesResult, "Client"]):
    """The resources that the token sees, by provider, type and tags."""

    name = "get_resources"
    arguments = GetResourcesArgs
    result = GetResourcesResult

    def call(self, args: GetResourcesArgs, ctx: Context[Client]) -> GetResourcesResult:
        """Read the list."""
        found = ctx.api.iter_resources(args.provider_name, args.resource_type, args.tags or ())
        return GetResourcesResult(
            resources=[
                ResourceSummary(
                    id=resource_id(each.provider, each.resource, each.name),
                    provider_name=each.provider,
                    resource_type=each.resource,
                    name=each.name,
                    status=each.lifecycle_state,
                    tags=each.tags,
                    config=each.config,
                )
                for each in found
            ]
        )


class GetDeadLetterArgs(Arguments):
    """The filter."""

    provider_name: str | None = Field(None, description="Only events of this provider.")


class DeadLetterEvent(BaseModel):
    """An event that could not be processed."""

    event_id: str = Field(description="Its id.")
    provider_name: str | None = Field(None, description="The provider.")
    resource_type: str | None = Field(None, description="The resource's type.")
    resource_name: str | None = Field(None, description="The resource's name.")
    event_type: str | None = Field(None, description="What was to be done.")
    error_message: str | None = Field(None, description="Why it failed.")
    attempt_count: int | None = Field(None, description="How many attempts there were.")
    failed_at: str | None = Field(None, description="When it failed, in UTC.")


class GetDeadLetterResult(Result):
    """The events."""

    events: list[DeadLetterEvent] = Field([], description="The events.")


class GetDeadLetter(DataSource[GetDeadLetterArgs, GetDeadLetterResult, "Client"]):
    """The events that Pragma could not process."""

    name = "get_dead_letter"
    arguments = GetDeadLetterArgs
    result = GetDeadLetterResult

    def call(self, args: GetDeadLetterArgs, ctx: Context[Client]) -> GetDeadLetterResult:
        """Read the list."""
        found = ctx.api.iter_dead_letters(args.provider_name)
        return GetDeadLetterResult(events=[_event(each) for each in found])


def _event(letter: DeadLetter) -> DeadLetterEvent:
    fields = letter.model_dump(mode="json")
    return DeadLetterEvent(provider_name=fields.pop("provider"), **fields)
