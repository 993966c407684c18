"""Data sources about blueprints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from polykomos.client import Client
from polykomos.data_sources.account import NoArguments
from polykomos.data_sources.lookup import get_by_uuid_or_name, require_exactly_one
from polykomos.data_sources.models import (
    BlueprintSummary,
    GetBlueprintResult,
    GetBlueprintsResult,
    ValidateBlueprintResult,
)
from polykomos.resources.conversions import shared_fields
from resourcekit.context import Context
from resourcekit.errors import CheckFailure
from resourcekit.fields import Arguments
from resourcekit.resource import DataSource


class GetBlueprintArgs(Arguments):
    """The blueprint to read; exactly one argument is set."""

    uuid: str | None = Field(None, description="The blueprint's UUID.")
    slug: str | None = Field(None, description="Its slug.")


class GetBlueprint(DataSource[GetBlueprintArgs, GetBlueprintResult, Client]):
    """One blueprint with its SQL, by `uuid` or `slug`; including the system's blueprints."""

    name = "get_blueprint"

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Yield a failure unless exactly one argument is set."""
        return require_exactly_one(args, ("uuid", "slug"))

    def call(self, args: GetBlueprintArgs, ctx: Context[Client]) -> GetBlueprintResult:
        """Read the blueprint."""
        blueprint = get_by_uuid_or_name(
            "blueprint",
            uuid=args.uuid,
            name=("slug", args.slug),
            list_all=ctx.api.iter_blueprints,
            get=ctx.api.get_blueprint,
            way_out="set `uuid` instead",
        )
        return GetBlueprintResult(**shared_fields(GetBlueprintResult, blueprint))


class GetBlueprints(DataSource[NoArguments, GetBlueprintsResult, Client]):
    """Your blueprints and the system's, without SQL."""

    name = "get_blueprints"

    def call(self, args: NoArguments, ctx: Context[Client]) -> GetBlueprintsResult:
        """Read the list of blueprints."""
        return GetBlueprintsResult(
            blueprints=[BlueprintSummary(**shared_fields(BlueprintSummary, each)) for each in ctx.api.iter_blueprints()]
        )


class ValidateBlueprintArgs(Arguments):
    """The SQL to validate."""

    sql_content: str = Field(description="SQL statements.")


class ValidateBlueprint(DataSource[ValidateBlueprintArgs, ValidateBlueprintResult, Client]):
    """Validate SQL as that of a blueprint, without storing it."""

    name = "validate_blueprint"

    def call(self, args: ValidateBlueprintArgs, ctx: Context[Client]) -> ValidateBlueprintResult:
        """Validate the SQL."""
        validation = ctx.api.validate_blueprint(args.sql_content)
        return ValidateBlueprintResult(**shared_fields(ValidateBlueprintResult, validation))
