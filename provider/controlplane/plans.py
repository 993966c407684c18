"""Plans: their quotas and daily limits (api-facts operation 2, C1, S11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias


@dataclass(frozen=True)
class Quotas:
    """The limits in effect."""

    storage_hard_limit_gb: float  # in GB of 10^9 bytes
    connection_hard_limit: int  # simultaneous connections
    warning_threshold_pct: int  # per cent of the storage at which a warning is logged


@dataclass(frozen=True)
class Plan:
    """What a plan includes."""

    quotas: Quotas  # the limits of a database that sets none of its own
    daily_queries: int | None  # queries in plain language a day (C23, S28); None = no limit


Plans: TypeAlias = Mapping[str, Plan]

# Neither document states the plans' quotas; these are ours (S11). A seed file changes them and adds others.
PLANS: Final[Plans] = {
    "free": Plan(Quotas(1, 20, 80), 10),
    "launch": Plan(Quotas(10, 50, 80), 500),
    "grow": Plan(Quotas(50, 200, 80), 500),
    "pro": Plan(Quotas(100, 500, 80), 500),
}
LENIENT_PLANS: Final = frozenset({"pro"})  # those that the OpenAPI document does not list (C1)
DEFAULT_PLAN: Final = "free"


def plan_of(plans: Plans, name: str) -> Plan:
    """Return a plan, or the default one for a name that this start of the control plane does not know."""
    return plans.get(name, plans[DEFAULT_PLAN])


def effective_quotas(row: Mapping[str, Any], plans: Plans) -> Quotas:
    """Return a database's quotas: its overrides, else the defaults of its plan (api-facts S12)."""
    defaults = plan_of(plans, row["plan"]).quotas
    storage = row["storage_hard_limit_gb"]
    return Quotas(
        storage_hard_limit_gb=defaults.storage_hard_limit_gb if storage is None else storage,
        connection_hard_limit=row["connection_hard_limit"] or defaults.connection_hard_limit,
        warning_threshold_pct=row["warning_threshold_pct"] or defaults.warning_threshold_pct,
    )
