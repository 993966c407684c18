"""All routes of the admin API."""

from __future__ import annotations

from starlette.routing import Route

from controlplane.admin import clock, faults, provisioning, queries, request_log, snapshots, webhook_inbox
from controlplane.admin.routing import AdminRoute, route
from controlplane.services import Services

ROUTES: tuple[AdminRoute, ...] = (
    *clock.ROUTES,
    *faults.ROUTES,
    *provisioning.ROUTES,
    *webhook_inbox.ROUTES,
    *request_log.ROUTES,
    *queries.ROUTES,
    *snapshots.ROUTES,
)


def routes(services: Services, token: str) -> list[Route]:
    """Return the routes for an application that has the admin API."""
    return [route(admin_route, services, token) for admin_route in ROUTES]
