"""All of the admin API."""

from __future__ import annotations

from starlette.routing import Route

from controlplane.admin import faults, inbox, provisioning, queries, requests, state, time
from controlplane.admin.kernel import Door, route
from controlplane.services import Services

DOORS: tuple[Door, ...] = (
    *time.DOORS,
    *faults.DOORS,
    *provisioning.DOORS,
    *inbox.DOORS,
    *requests.DOORS,
    *queries.DOORS,
    *state.DOORS,
)


def routes(services: Services, token: str) -> list[Route]:
    """For an application that has the admin API."""
    return [route(door, services, token) for door in DOORS]
