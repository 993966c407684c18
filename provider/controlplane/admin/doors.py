"""All of the admin API."""

from __future__ import annotations

from starlette.routing import Route

from controlplane.admin import faults, inbox, provisioning, queries, requests, state, time
from controlplane.admin.kernel import AdminRoute, route
from controlplane.services import Services

ROUTES: tuple[AdminRoute, ...] = (
    *time.ROUTES,
    *faults.ROUTES,
    *provisioning.ROUTES,
    *inbox.ROUTES,
    *requests.ROUTES,
    *queries.DOORS,
    *state.ROUTES,
)


def routes(services: Services, token: str) -> list[Route]:
    """For an application that has the admin API."""
    return [route(door, services, token) for door in ROUTES]
