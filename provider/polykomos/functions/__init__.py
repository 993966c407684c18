"""The Polykomos functions (data sources). Each is one question to the API; lists are read to their end."""

from __future__ import annotations

from typing import Any

from polykomos.client import Client
from polykomos.functions.account import GetAccount, GetDatabaseTypes
from polykomos.functions.blueprints import GetBlueprint, GetBlueprints, ValidateBlueprint
from polykomos.functions.databases import GetDatabase, GetDatabases, RunQuery
from polykomos.functions.webhooks import GetWebhookDeliveries, GetWebhookEndpoints
from resourcekit.resource import Function

FUNCTIONS: tuple[Function[Any, Any, Client], ...] = (
    GetAccount(),
    GetDatabaseTypes(),
    GetDatabase(),
    GetDatabases(),
    GetBlueprint(),
    GetBlueprints(),
    GetWebhookEndpoints(),
    GetWebhookDeliveries(),
    ValidateBlueprint(),
    RunQuery(),
)
