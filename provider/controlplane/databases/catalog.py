"""What can be ordered: engines, regions, plans (operation 2, C1, S10, S11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controlplane.engines import Engines


@dataclass(frozen=True)
class Quotas:
    """Limits in effect: GB of 10^9 bytes, connections, per cent at which a warning is logged."""

    storage_hard_limit_gb: float
    connection_hard_limit: int
    warning_threshold_pct: int


REGIONS = {"us-east-1": "US East (Virginia)", "eu-west-1": "EU West (Ireland)"}
DEFAULT_REGION = "us-east-1"

# Neither source gives the plans' limits; these are ours (S11).
PLANS = {
    "free": Quotas(1, 20, 80),
    "launch": Quotas(10, 50, 80),
    "grow": Quotas(50, 200, 80),
    "pro": Quotas(100, 500, 80),
}
STRICT_PLANS = ("free", "launch", "grow")  # those that the OpenAPI document lists (C1)
DEFAULT_PLAN = "free"

DEFAULT_ENGINE = "postgres"


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
