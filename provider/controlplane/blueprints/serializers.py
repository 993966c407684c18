"""The API's objects Blueprint and BlueprintApplication."""

from __future__ import annotations

from typing import Any

from controlplane.db.pool import Row
from controlplane.http.responses import format_z


def summary(row: Row) -> dict[str, Any]:
    """Return a blueprint without its SQL, for lists and writes."""
    return {
        "object": "blueprint",
        "uuid": str(row["uuid"]),
        "name": row["name"],
        "slug": row["slug"],
        "description": row["description"],
        "content_type": "sql",
        "version": row["version"],
        "size_bytes": len(row["sql_content"].encode()),
        "is_system_blueprint": row["user_id"] is None,
        "variables": row["variables"],
        "metadata": None,
        "created_at": format_z(row["created_at"]),
        "updated_at": format_z(row["updated_at"]),
    }


def full(row: Row) -> dict[str, Any]:
    """Return a blueprint with its SQL, for the get of one blueprint."""
    return {**summary(row), "sql_content": row["sql_content"]}


def application(row: Row) -> dict[str, Any]:
    """Return an application. It names its blueprint and database by their internal numbers (api-facts S27)."""
    # fmt: off
    columns = (
        "id", "blueprint_id", "blueprint_version", "status", "is_dry_run", "execution_log", "total_duration_ms",
        "statements_total", "statements_succeeded", "statements_failed", "error_message", "variable_values",
    )
    # fmt: on
    return {
        "object": "blueprint_application",
        **{name: row[name] for name in columns},
        "database_instance_id": row["database_id"],
        **{name: row[name] and format_z(row[name]) for name in ("started_at", "completed_at", "created_at")},
    }
