"""The four Polykomos resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polykomos.resources.blueprint.resource import Blueprint
from polykomos.resources.blueprint_application.resource import BlueprintApplication
from polykomos.resources.database.resource import Database
from polykomos.resources.webhook_endpoint.resource import WebhookEndpoint
from resourcekit.resource import Resource

if TYPE_CHECKING:
    from polykomos.client import Client

RESOURCES: tuple[Resource[Any, Any, Client], ...] = (
    Database(),
    Blueprint(),
    BlueprintApplication(),
    WebhookEndpoint(),
)
