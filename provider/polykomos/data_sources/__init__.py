"""The Polykomos functions (data sources). Each is one question to the API; lists are read to their end."""

from __future__ import annotations

from typing import Any

from polykomos.client import Client
from polykomos.data_sources.account import GetAccount, GetDatabaseTypes
from polykomos.data_sources.blueprints import GetBlueprint, GetBlueprints, ValidateBlueprint
from polykomos.data_sources.databases import DatabaseCredentials, GetDatabase, GetDatabases, RunQuery
from polykomos.data_sources.webhooks import GetWebhookDeliveries, GetWebhookEndpoints, WebhookTest
from resourcekit.resource import DataSource

# Results that no engine should keep.
CREDENTIALS: tuple[DataSource[Any, Any, Client], ...] = (DatabaseCredentials(),)

# What is done when the user says so, and not at every run.
ACTIONS: tuple[DataSource[Any, Any, Client], ...] = (WebhookTest(), RunQuery())

FUNCTIONS: tuple[DataSource[Any, Any, Client], ...] = (
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
