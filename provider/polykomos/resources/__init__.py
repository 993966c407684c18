"""The four Polykomos resources."""

from __future__ import annotations

from typing import Any

from polykomos.client import Client
from polykomos.resources.blueprint.resource import Blueprint
from polykomos.resources.blueprint_application.resource import BlueprintApplication
from polykomos.resources.database.resource import Database
from polykomos.resources.webhook_endpoint.resource import WebhookEndpoint
from resourcekit.resource import Resource

RESOURCES: tuple[Resource[Any, Any, Client], ...] = (
    Database(),
    Blueprint(),
    BlueprintApplication(),
    WebhookEndpoint(),
)
