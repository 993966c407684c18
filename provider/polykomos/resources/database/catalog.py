"""Checks of a database's plan, engine and region against what the API offers."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from polykomos.resources.database.schema import PLANS
from resourcekit.context import Context
from resourcekit.errors import ResourceError

if TYPE_CHECKING:
    from polykomos.client import Client


def warn_of_unknown_plan(plan: Any, ctx: Context[Client]) -> None:
    """Warn of a plan that this provider does not know.

    It is not rejected: no call reports which plans exist, and the documents differ (api-facts C1).
    """
    if isinstance(plan, str) and plan not in PLANS:
        near = difflib.get_close_matches(plan, PLANS, n=1)
        known = ", ".join(f"`{name}`" for name in PLANS)
        hint = f"did you mean `{near[0]}`?" if near else f"the plans that this provider knows are {known}"
        ctx.warn(f"unknown plan {plan!r}, which the API may reject; {hint}", attribute="plan")


def ensure_offered(db_type: str | None, region: str | None, ctx: Context[Client]) -> None:
    """Raise ResourceError for an engine or a region that the API does not offer."""
    engines = {engine.value: engine for engine in ctx.api.list_database_types()}
    engine = engines.get(db_type or "postgres")
    if engine is None or engine.is_available is False:
        available = ", ".join(sorted(value for value, offer in engines.items() if offer.is_available is not False))
        raise ResourceError(
            f"unsupported `db_type` {db_type or 'postgres'!r}: expected one of {available}", property="db_type"
        )
    regions = [each.code for each in engine.regions if each.is_available is not False]
    if region is not None and regions and region not in regions:
        raise ResourceError(
            f"unsupported `region` {region!r} for `db_type` {engine.value!r}: expected one of {', '.join(regions)}",
            property="region",
        )
