"""The Database object in its three forms (C16)."""

from __future__ import annotations

from typing import Any, Protocol

from controlplane.db.pool import Row
from controlplane.engines.base import Endpoint, EngineRegistry
from controlplane.http.responses import format_z
from controlplane.plans import Plans, Quotas, plan_of

MASK = "***"


class CatalogView(Protocol):
    """What views need of controlplane.services.Services."""

    @property
    def engines(self) -> EngineRegistry:
        """All engines."""

    @property
    def plans(self) -> Plans:
        """All plans."""


def effective_quotas(row: Row, plans: Plans) -> Quotas:
    """The override where there is one, else the plan's default (S12)."""
    defaults = plan_of(plans, row["plan"]).quotas
    storage = row["storage_hard_limit_gb"]
    return Quotas(
        storage_hard_limit_gb=defaults.storage_hard_limit_gb if storage is None else storage,
        connection_hard_limit=row["connection_hard_limit"] or defaults.connection_hard_limit,
        warning_threshold_pct=row["warning_threshold_pct"] or defaults.warning_threshold_pct,
    )


def without_credentials(row: Row, offer: CatalogView) -> dict[str, Any]:
    """Without the password: lists, updates, events."""
    return _view(row, offer, password=None)


def with_credentials(row: Row, offer: CatalogView) -> dict[str, Any]:
    """With the password and the usable connection string once the database is active; null and masked before."""
    if row["status"] != "active":
        return {**without_credentials(row, offer), "db_password": None}
    return _view(row, offer, password=row["db_password"])


def _view(row: Row, offer: CatalogView, *, password: str | None) -> dict[str, Any]:
    place = offer.engines.of(row["db_type"]).endpoint
    quotas = effective_quotas(row, offer.plans)
    storage = quotas.storage_hard_limit_gb
    view: dict[str, Any] = {
        "object": "database",
        "uuid": str(row["uuid"]),
        "name": row["name"],
        "status": row["status"],
        "region": row["region"],
        "plan": row["plan"],
        "quotas": {
            # JSON knows one kind of number, people read 10 rather than 10.0.
            "storage_hard_limit_gb": int(storage) if storage == int(storage) else storage,
            "connection_hard_limit": quotas.connection_hard_limit,
            "warning_threshold_pct": quotas.warning_threshold_pct,
        },
        "db_type": row["db_type"],
        "host": place.host,
        "port": place.port,
        "db_name": row["db_name"],
        "db_username": row["db_username"],
        "team_id": row["team_id"],
        "team_name": row["team_name"],
        "connection_string": _connection_string(row, place, password or MASK),
        "created_at": format_z(row["created_at"]),
        "updated_at": format_z(row["updated_at"]),
    }
    if password is not None:
        view["db_password"] = password
    return view


def _connection_string(row: Row, place: Endpoint, password: str) -> str:
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"{place.scheme}://{row['db_username']}:{password}@{host}:{place.port}/{row['db_name']}"
