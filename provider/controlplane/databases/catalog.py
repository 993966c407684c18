"""What can be ordered: engines, regions, plans (operation 2, C1, S10, S11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from controlplane.engines import Engines


@dataclass(frozen=True)
class Quotas:
    """Limits in effect: GB of 10^9 bytes, connections, per cent at which a warning is logged."""

    storage_hard_limit_gb: float
    connection_hard_limit: int
    warning_threshold_pct: int


REGIONS = {"us-east-1": "US East (Virginia)", "eu-west-1": "EU West (Ireland)"}
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Plan:
    """What a plan gives: quotas, and queries in plain language a day (C23, S28; None = any number)."""

    quotas: Quotas
    daily_queries: int | None


Plans: TypeAlias = Mapping[str, Plan]

# Neither source gives the plans' quotas; these are ours (S11). A seed file changes them and adds others.
PLANS: Final[Plans] = {
    "free": Plan(Quotas(1, 20, 80), 10),
    "launch": Plan(Quotas(10, 50, 80), 500),
    "grow": Plan(Quotas(50, 200, 80), 500),
    "pro": Plan(Quotas(100, 500, 80), 500),
}
LENIENT_PLANS = frozenset({"pro"})  # those that the OpenAPI document does not list (C1)
DEFAULT_PLAN = "free"

DEFAULT_ENGINE = "postgres"


def plan_of(plans: Plans, name: str) -> Plan:
    """A database keeps its plan's name though a later start of the control plane may know no such plan."""
    return plans.get(name, plans[DEFAULT_PLAN])


def database_types(engines: Engines) -> list[dict[str, Any]]:
    """The catalog as GET /database_types shows it. An engine without a server is known, but cannot be ordered here."""
    return [_engine(engine.value, engine.label, available=engine.missing is None) for engine in engines]


def _engine(value: str, label: str, *, available: bool) -> dict[str, Any]:
    return {
        "value": value,
        "label": label,
        "is_provisionable": available,
        "is_available": available,
        "regions": [{"code": code, "label": name, "is_available": available} for code, name in REGIONS.items()],
    }
