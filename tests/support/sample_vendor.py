"""A third small vendor, for what Terraform's plans have to get right."""

from __future__ import annotations

import time
from typing import Annotated, Any

from pydantic import BaseModel, Field

from resourcekit.context import Context
from resourcekit.fields import (
    Arguments,
    Computed,
    CreateOnly,
    ProviderOnly,
    RequiresReplace,
    ResetOnRemove,
    Result,
    Secret,
    SemanticEquality,
    Stable,
    Unordered,
    Validator,
    WriteOnlyVariant,
    to_plain,
)
from resourcekit.lifecycle import Lifecycle
from resourcekit.package import Package
from resourcekit.resource import Resource
from resourcekit.terraform.resource_type import ResourceType


class Drawer(BaseModel):
    """A drawer."""

    wood: Annotated[str | None, Computed()] = Field(None, description="Pine when left out.")
    depth: float | None = Field(None, description="In metres.")


def _canonical(drawers: Any) -> Any:
    return {
        name: {"wood": "pine", **{k: v for k, v in to_plain(drawer).items() if v is not None}}
        for name, drawer in drawers.items()
    }


class CabinetArgs(Arguments):
    name: Annotated[str, Validator(str.islower, "must be lowercase")] = Field(description="Its name.")
    wood: Annotated[str | None, RequiresReplace(), Computed(), Stable()] = Field(
        None, description="Chosen when left out."
    )
    height: Annotated[float | None, ResetOnRemove(), Computed(("height",))] = Field(
        None, gt=0, description="In metres."
    )
    note: str | None = Field(None, description="Free.")
    tags: Annotated[list[str] | None, Unordered()] = Field(None, description="A set.")
    drawers: Annotated[dict[str, Drawer] | None, SemanticEquality(_canonical)] = Field(None, description="By name.")
    recipe: Annotated[dict[str, Any] | None, RequiresReplace(), WriteOnlyVariant()] = Field(
        None, description="Anything."
    )
    seed: Annotated[str | None, CreateOnly("Use a Sower."), WriteOnlyVariant()] = Field(None, description="At birth.")
    guarded: Annotated[bool | None, ProviderOnly()] = Field(None, description="Ours alone.")


class CabinetState(CabinetArgs, Result):
    number: Annotated[int, Computed(), Stable()] = Field(description="Given once.")
    status: Annotated[str | None, Computed()] = Field(None, description="Moves always.")
    tag_count: Annotated[int | None, Computed(("tags",))] = Field(None, description="Moves with tags.")
    pin: Annotated[str | None, Computed(), Stable(), Secret()] = Field(None, description="Secret.")


class Cabinet(Resource[CabinetArgs, CabinetState, None]):
    """A cabinet."""

    name = "Cabinet"
    drift: tuple[str, ...] = ()

    def replacement_triggers(self, prior: CabinetState, args: Any, ctx: Context[None]) -> tuple[str, ...]:
        return self.drift

    def is_incomplete(self, prior: CabinetState) -> bool:
        return prior.status == "glueing"

    def deletion_blocked_reason(self, prior: CabinetState) -> str | None:
        return "it is guarded: set `guarded` to false first" if prior.guarded else None


PACKAGE: Package[None] = Package(
    name="carpentry",
    version="1.0.0",
    display_name="Carpentry",
    description="Wood.",
    homepage="https://example.com",
    settings=Arguments,
    environment={},
    resources=(Cabinet(),),
)


def cabinet(drift: tuple[str, ...] = ()) -> ResourceType:
    """The kind as Terraform sees it. drift: what it will say has drifted."""
    resource = Cabinet()
    resource.drift = drift
    return ResourceType("carpentry_cabinet", Lifecycle(PACKAGE, resource))


def context() -> Context[None]:
    """For planning; nothing here asks an API."""
    return Context(api=None, deadline=time.monotonic() + 60)
