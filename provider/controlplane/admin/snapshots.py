"""The whole state: save, restore, reset; and one deleted database: restore, or destroy early."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator

from controlplane.admin.controls_sync import publish
from controlplane.admin.routing import AdminRequest, AdminRoute
from controlplane.databases import undelete
from controlplane.http.errors import not_found
from controlplane.http.responses import format_z
from controlplane.http.validation import Body, parse_uuid
from controlplane.snapshots import service


def _name(text: str) -> str:
    if not (text and len(text) <= 100 and all(c.isalnum() or c in "-_." for c in text)):
        raise ValueError("must be 1 to 100 letters, digits, dots, hyphens and underscores")
    return text


class Snapshot(Body):
    """The body of a snapshot."""

    name: Annotated[str, AfterValidator(_name)]


async def list_snapshots(call: AdminRequest) -> list[dict[str, Any]]:
    """Return all snapshots."""
    async with call.services.pool.connection() as conn:
        return [{**row, "created_at": format_z(row["created_at"])} for row in await service.list_all(conn)]


async def create_snapshot(call: AdminRequest) -> list[dict[str, Any]]:
    """Save the whole state. Sessions in tenants' databases end."""
    await service.create(call.services, (await call.body(Snapshot)).name)
    return await list_snapshots(call)


async def restore_snapshot(call: AdminRequest) -> dict[str, Any]:
    """Restore the whole state, including keys, passwords, UUIDs and the clock."""
    await service.restore(call.services, call.request.path_params["name"])
    return await _publish(call)


async def delete_snapshot(call: AdminRequest) -> dict[str, Any]:
    """Delete a snapshot."""
    await service.delete(call.services, call.request.path_params["name"])
    return {"removed": 1}


async def reset(call: AdminRequest) -> dict[str, Any]:
    """Delete everything but users, keys and snapshots."""
    await service.reset(call.services)
    return await _publish(call)


async def restore_database(call: AdminRequest) -> dict[str, Any]:
    """Restore a deleted database with its data and password, within its 24 hours of grace."""
    return await undelete.restore_deleted(call.services, _uuid(call))


async def destroy_database(call: AdminRequest) -> dict[str, Any]:
    """End a deleted database's 24 hours of grace. Its files are removed in a moment."""
    return await undelete.expire_now(call.services, _uuid(call))


def _uuid(call: AdminRequest) -> UUID:
    uuid = parse_uuid(call.request.path_params["uuid"])
    if uuid is None:
        raise not_found("database")
    return uuid


async def _publish(call: AdminRequest) -> dict[str, Any]:
    async with call.services.pool.connection() as conn:
        await publish(call.services, conn)
    return {"done": True}


ROUTES = (
    AdminRoute("GET", "/snapshots", list_snapshots),
    AdminRoute("POST", "/snapshots", create_snapshot),
    AdminRoute("POST", "/snapshots/{name}/restore", restore_snapshot),
    AdminRoute("DELETE", "/snapshots/{name}", delete_snapshot),
    AdminRoute("POST", "/reset", reset),
    AdminRoute("POST", "/databases/{uuid}/restore", restore_database),
    AdminRoute("POST", "/databases/{uuid}/destroy", destroy_database),
)
