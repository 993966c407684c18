"""Questions about blueprints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from polykomos.client import Blueprint as ApiBlueprint
from polykomos.client import Client
from polykomos.data_sources.account import NoArguments
from polykomos.data_sources.lookup import get_by_uuid_or_name, require_exactly_one
from polykomos.data_sources.models import (
    BlueprintSummary,
    GetBlueprintResult,
    GetBlueprintsResult,
    ValidateBlueprintResult,
)
from polykomos.resources.conversions import format_timestamp
from resourcekit.context import Context
from resourcekit.errors import CheckFailure
from resourcekit.fields import Arguments
from resourcekit.resource import DataSource


class GetBlueprintArgs(Arguments):
    """Which blueprint; exactly one is given."""

    uuid: str | None = Field(None, description="The blueprint's UUID.")
    slug: str | None = Field(None, description="Its slug.")


class GetBlueprint(DataSource[GetBlueprintArgs, GetBlueprintResult, Client]):
    """One blueprint with its SQL, found by `uuid` or by its slug; the system's own too."""

    name = "get_blueprint"
    arguments = GetBlueprintArgs
    result = GetBlueprintResult

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        return require_exactly_one(args, ("uuid", "slug"))

    def call(self, args: GetBlueprintArgs, ctx: Context[Client]) -> GetBlueprintResult:
        found = get_by_uuid_or_name(
            "blueprint",
            uuid=args.uuid,
            name=("slug", args.slug),
            list_all=ctx.api.iter_blueprints,
            get=ctx.api.get_blueprint,
            way_out="give its `uuid`",
        )
        return GetBlueprintResult(**_summary(found), sql_content=found.sql_content, variables=found.variables)


class GetBlueprints(DataSource[NoArguments, GetBlueprintsResult, Client]):
    """Your blueprints and the system's, without their SQL."""

    name = "get_blueprints"
    arguments = NoArguments
    result = GetBlueprintsResult

    def call(self, args: NoArguments, ctx: Context[Client]) -> GetBlueprintsResult:
        return GetBlueprintsResult(
            blueprints=[BlueprintSummary(**_summary(each)) for each in ctx.api.iter_blueprints()]
        )


class ValidateBlueprintArgs(Arguments):
    """What to check."""

    sql_content: str = Field(description="SQL statements.")


class ValidateBlueprint(DataSource[ValidateBlueprintArgs, ValidateBlueprintResult, Client]):
    """Have SQL checked as a blueprint's would be, without keeping it."""

    name = "validate_blueprint"
    arguments = ValidateBlueprintArgs
    result = ValidateBlueprintResult

    def call(self, args: ValidateBlueprintArgs, ctx: Context[Client]) -> ValidateBlueprintResult:
        verdict = ctx.api.validate_blueprint(args.sql_content)
        return ValidateBlueprintResult(
            valid=verdict.valid,
            statement_count=verdict.statement_count,
            errors=verdict.errors,
            warnings=verdict.warnings,
        )


def _summary(blueprint: ApiBlueprint) -> dict[str, Any]:
    same = ("uuid", "name", "slug", "description", "version", "size_bytes", "is_system_blueprint")
    return {
        **{name: getattr(blueprint, name) for name in same},
        "created_at": format_timestamp(blueprint.created_at),
        "updated_at": format_timestamp(blueprint.updated_at),
    }
