"""Catalog of engines and regions (api-facts operation 2, S10)."""

from __future__ import annotations

from typing import Any

from controlplane.engines.base import EngineRegistry

REGIONS = {"us-east-1": "US East (Virginia)", "eu-west-1": "EU West (Ireland)"}
DEFAULT_REGION = "us-east-1"
DEFAULT_ENGINE = "postgres"


def database_types(engines: EngineRegistry) -> list[dict[str, Any]]:
    """Return the catalog as GET /database_types shows it. An engine without a server is listed as not available."""
    return [_engine(engine.value, engine.label, available=engine.unavailable_reason is None) for engine in engines]


def _engine(value: str, label: str, *, available: bool) -> dict[str, Any]:
    return {
        "value": value,
        "label": label,
        "is_provisionable": available,
        "is_available": available,
        "regions": [{"code": code, "label": name, "is_available": available} for code, name in REGIONS.items()],
    }
