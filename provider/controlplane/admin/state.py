"""The whole state: set aside, brought back, begun anew; one deleted database given back, or destroyed early."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator

from controlplane.admin.kernel import Ask, Door
from controlplane.admin.watching import changed
from controlplane.databases import grace
from controlplane.http.errors import not_found
from controlplane.http.fields import Body, parse_uuid
from controlplane.http.timestamps import zulu
from controlplane.snapshots import keeping


def _name(text: str) -> str:
    if not (text and len(text) <= 100 and all(c.isalnum() or c in "-_." for c in text)):
        raise ValueError("must be 1 to 100 letters, digits, dots, hyphens and underscores")
    return text


class Snapshot(Body):
    """What it is called."""

    name: Annotated[str, AfterValidator(_name)]


async def show(ask: Ask) -> list[dict[str, Any]]:
    """All snapshots."""
    async with ask.services.pool.connection() as conn:
        return [{**row, "created_at": zulu(row["created_at"])} for row in await keeping.every(conn)]


async def take(ask: Ask) -> list[dict[str, Any]]:
    """Set everything aside. Sessions in tenants' databases end."""
    await keeping.take(ask.services, (await ask.body(Snapshot)).name)
    return await show(ask)


async def bring_back(ask: Ask) -> dict[str, Any]:
    """Make everything as it was; keys, passwords, uuids and the clock too."""
    await keeping.bring_back(ask.services, ask.request.path_params["name"])
    return await _see(ask)


async def forget(ask: Ask) -> dict[str, Any]:
    """Drop a snapshot."""
    await keeping.forget(ask.services, ask.request.path_params["name"])
    return {"removed": 1}


async def reset(ask: Ask) -> dict[str, Any]:
    """Begin anew; users, keys and snapshots stay."""
    await keeping.begin_anew(ask.services)
    return await _see(ask)


async def undelete(ask: Ask) -> dict[str, Any]:
    """Give a deleted database back with its data and password, while its 24 hours of grace last."""
    return await grace.restore(ask.services, _uuid(ask))


async def destroy(ask: Ask) -> dict[str, Any]:
    """End a deleted database's 24 hours of grace: its files are removed in a moment."""
    return await grace.end(ask.services, _uuid(ask))


def _uuid(ask: Ask) -> UUID:
    uuid = parse_uuid(ask.request.path_params["uuid"])
    if uuid is None:
        raise not_found("database")
    return uuid


async def _see(ask: Ask) -> dict[str, Any]:
    async with ask.services.pool.connection() as conn:
        await changed(ask.services, conn)
    return {"done": True}


DOORS = (
    Door("GET", "/snapshots", show),
    Door("POST", "/snapshots", take),
    Door("POST", "/snapshots/{name}/restore", bring_back),
    Door("DELETE", "/snapshots/{name}", forget),
    Door("POST", "/reset", reset),
    Door("POST", "/databases/{uuid}/restore", undelete),
    Door("POST", "/databases/{uuid}/destroy", destroy),
)
