"""The whole state: set aside, brought back, begun anew; one deleted database given back, or destroyed early."""

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
    """What it is called."""

    name: Annotated[str, AfterValidator(_name)]


async def list_snapshots(ask: AdminRequest) -> list[dict[str, Any]]:
    """All snapshots."""
    async with ask.services.pool.connection() as conn:
        return [{**row, "created_at": format_z(row["created_at"])} for row in await service.list_all(conn)]


async def create_snapshot(ask: AdminRequest) -> list[dict[str, Any]]:
    """Set everything aside. Sessions in tenants' databases end."""
    await service.create(ask.services, (await ask.body(Snapshot)).name)
    return await list_snapshots(ask)


async def restore_snapshot(ask: AdminRequest) -> dict[str, Any]:
    """Make everything as it was; keys, passwords, uuids and the clock too."""
    await service.restore(ask.services, ask.request.path_params["name"])
    return await _see(ask)


async def delete_snapshot(ask: AdminRequest) -> dict[str, Any]:
    """Drop a snapshot."""
    await service.delete(ask.services, ask.request.path_params["name"])
    return {"removed": 1}


async def reset(ask: AdminRequest) -> dict[str, Any]:
    """Begin anew; users, keys and snapshots stay."""
    await service.reset(ask.services)
    return await _see(ask)


async def restore_database(ask: AdminRequest) -> dict[str, Any]:
    """Give a deleted database back with its data and password, while its 24 hours of grace last."""
    return await undelete.restore_deleted(ask.services, _uuid(ask))


async def destroy_database(ask: AdminRequest) -> dict[str, Any]:
    """End a deleted database's 24 hours of grace: its files are removed in a moment."""
    return await undelete.expire_now(ask.services, _uuid(ask))


def _uuid(ask: AdminRequest) -> UUID:
    uuid = parse_uuid(ask.request.path_params["uuid"])
    if uuid is None:
        raise not_found("database")
    return uuid


async def _see(ask: AdminRequest) -> dict[str, Any]:
    async with ask.services.pool.connection() as conn:
        await publish(ask.services, conn)
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
