"""The API's object Database: with credentials, without them, and before it is active (api-facts C16)."""

from __future__ import annotations

from typing import Any, Protocol

from controlplane.db.pool import Row
from controlplane.engines.base import Endpoint, EngineRegistry
from controlplane.http.responses import format_z
from controlplane.plans import Plans, effective_quotas

MASK = "***"


class CatalogView(Protocol):
    """The part of controlplane.services.Services that the serializers use."""

    @property
    def engines(self) -> EngineRegistry:
        """Return all engines."""

    @property
    def plans(self) -> Plans:
        """Return all plans."""


def without_credentials(row: Row, catalog: CatalogView) -> dict[str, Any]:
    """Return a database without its password, for lists, updates and events."""
    return _view(row, catalog, password=None)


def with_credentials(row: Row, catalog: CatalogView) -> dict[str, Any]:
    """Return a database with its password and the complete connection string.

    Before the database is active, the password is null and masked in the connection string.
    """
    if row["status"] != "active":
        return {**without_credentials(row, catalog), "db_password": None}
    return _view(row, catalog, password=row["db_password"])


def _view(row: Row, catalog: CatalogView, *, password: str | None) -> dict[str, Any]:
    endpoint = catalog.engines.of(row["db_type"]).endpoint
    quotas = effective_quotas(row, catalog.plans)
    storage = quotas.storage_hard_limit_gb
    view: dict[str, Any] = {
        "object": "database",
        "uuid": str(row["uuid"]),
        "name": row["name"],
        "status": row["status"],
        "region": row["region"],
        "plan": row["plan"],
        "quotas": {
            # JSON has one type of number, and 10 is easier to read than 10.0.
            "storage_hard_limit_gb": int(storage) if storage == int(storage) else storage,
            "connection_hard_limit": quotas.connection_hard_limit,
            "warning_threshold_pct": quotas.warning_threshold_pct,
        },
        "db_type": row["db_type"],
        "host": endpoint.host,
        "port": endpoint.port,
        "db_name": row["db_name"],
        "db_username": row["db_username"],
        "team_id": row["team_id"],
        "team_name": row["team_name"],
        "connection_string": _connection_string(row, endpoint, password or MASK),
        "created_at": format_z(row["created_at"]),
        "updated_at": format_z(row["updated_at"]),
    }
    if password is not None:
        view["db_password"] = password
    return view


def _connection_string(row: Row, endpoint: Endpoint, password: str) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{endpoint.scheme}://{row['db_username']}:{password}@{host}:{endpoint.port}/{row['db_name']}"
