"""A second vendor, small: it proves that resourcekit knows none, and gives planning something to plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from resourcekit.context import Context
from resourcekit.errors import CheckFailure, ResourceError
from resourcekit.fields import (
    Arguments,
    Computed,
    CreateOnly,
    ProviderOnly,
    RequiresReplace,
    ResetOnRemove,
    Result,
    Secret,
    Stable,
    Unordered,
    Validator,
)
from resourcekit.resource import Resource


class Limits(BaseModel):
    """Limits of a shelf."""

    max_books: int | None = None


class ShelfArgs(Arguments):
    name: Annotated[str, Validator(str.islower, "must be lowercase")] = Field(description="The `wood_kind` is another.")
    wood_kind: Annotated[str | None, RequiresReplace(), Computed()] = Field(None, description="Chosen when left out.")
    height: Annotated[float | None, ResetOnRemove(), Computed()] = Field(None, gt=0, description="In metres.")
    seats: int | None = Field(None, description="A whole number.")
    labels: dict[str, str] | None = Field(None, description="Free.")
    tags: Annotated[list[str] | None, Unordered()] = Field(None, description="A set.")
    limits: Limits | None = Field(None, description="Nested.")
    seed: Annotated[str | None, CreateOnly("Use a Sower.")] = Field(None, description="At birth.")
    guarded: Annotated[bool | None, ProviderOnly()] = Field(None, description="Ours alone.")


class ShelfState(ShelfArgs, Result):
    shelf_id: Annotated[str, Computed(), Stable()] = Field(description="Given once.")
    version: Annotated[int | None, Computed(changes_with=("labels",))] = Field(None, description="Moves with labels.")
    touched_at: Annotated[str | None, Computed()] = Field(None, description="Moves always.")
    pin: Annotated[str | None, Computed(), Secret()] = Field(None, description="Secret.")


class Carpentry:
    """The vendor's API: a dictionary that can be told to break."""

    def __init__(self) -> None:
        self.shelves: dict[str, dict[str, Any]] = {}
        self.broken_after_create = False


class Shelf(Resource[ShelfArgs, ShelfState, Carpentry]):
    """A shelf."""

    name = "Shelf"

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        if args.get("name") == args.get("wood_kind"):
            yield CheckFailure("name", "must not be the name of a wood")

    def create(self, args: ShelfArgs, ctx: Context[Carpentry]) -> tuple[str, ShelfState]:
        state = ShelfState(**{**args.model_dump(), "wood_kind": args.wood_kind or "oak"}, shelf_id="s1", version=1)
        ctx.checkpoint("s1", state)
        if ctx.api.broken_after_create:
            raise ResourceError("the glue is not dry")
        ctx.api.shelves["s1"] = state.model_dump()
        return "s1", state

    def read(self, id: str, prior: ShelfState | None, ctx: Context[Carpentry]) -> ShelfState | None:
        found = ctx.api.shelves.get(id)
        return ShelfState.model_validate({**found, "seed": None, "guarded": None}) if found else None

    def deletion_blocked_reason(self, prior: ShelfState) -> str | None:
        return "it is guarded: set `guarded` to false first" if prior.guarded else None
