"""The data sources: resources by their properties, and events that could not be processed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, model_validator

from pragma.ids import resource_id
from resourcekit.fields import Arguments, Result, Unordered
from resourcekit.http.models import Texts
from resourcekit.path_sources import list_source
from resourcekit.resource import DataSource

if TYPE_CHECKING:
    from pragma.api import Client


class GetResourcesArgs(Arguments):
    """The filters; without any, all resources are returned."""

    provider_name: str | None = Field(None, description="Only resources of this provider.")
    resource_type: str | None = Field(None, description="Only resources of this type.")
    tags: Annotated[list[str] | None, Unordered()] = Field(None, description="Only resources with these tags.")


class ResourceSummary(BaseModel):
    """A resource."""

    id: str = Field(description="The API's id.")
    provider_name: str = Field(validation_alias="provider", description="Its provider.")
    resource_type: str = Field(validation_alias="resource", description="Its type.")
    name: str = Field(description="Its name.")
    status: str = Field(validation_alias="lifecycle_state", description="Its lifecycle state.")
    tags: Texts = Field([], description="Its tags.")
    config: Any = Field(None, description="Its configuration.")

    @model_validator(mode="before")
    @classmethod
    def _with_id(cls, found: Any) -> Any:
        parts = [found.get(name) for name in ("provider", "resource", "name")]
        return {**found, "id": resource_id(*parts)}


class GetResourcesResult(Result):
    """The resources."""

    resources: list[ResourceSummary] = Field([], description="The resources, without their outputs.")


class GetDeadLetterArgs(Arguments):
    """The filter."""

    provider_name: str | None = Field(None, description="Only events of this provider.")


class DeadLetterEvent(BaseModel):
    """An event that could not be processed."""

    event_id: str = Field(description="Its id.")
    provider_name: str | None = Field(None, validation_alias="provider", description="The provider.")
    resource_type: str | None = Field(None, description="The resource's type.")
    resource_name: str | None = Field(None, description="The resource's name.")
    event_type: str | None = Field(None, description="What was to be done.")
    error_message: str | None = Field(None, description="Why it failed.")
    attempt_count: int | None = Field(None, description="How many attempts there were.")
    failed_at: str | None = Field(None, description="When it failed, in UTC.")


class GetDeadLetterResult(Result):
    """The events."""

    events: list[DeadLetterEvent] = Field([], description="The events.")


DATA_SOURCES: tuple[DataSource[Any, Any, Client], ...] = (
    list_source(
        "get_resources",
        "The resources that the token sees, by provider, type and tags.",
        "/resources/",
        GetResourcesArgs,
        result=GetResourcesResult,
        parameters={"provider_name": "provider", "resource_type": "resource"},
    ),
    list_source(
        "get_dead_letter",
        "The events that Pragma could not process.",
        "/ops/dead-letter",
        GetDeadLetterArgs,
        result=GetDeadLetterResult,
        parameters={"provider_name": "provider"},
    ),
)
