"""The Polykomos data sources (Pulumi: functions). Each reads from the API; lists are read to their end."""

from __future__ import annotations

from typing import Any

from polykomos.client import Client
from polykomos.data_sources.account import GetAccount, GetDatabaseTypes
from polykomos.data_sources.blueprints import GetBlueprint, GetBlueprints, ValidateBlueprint
from polykomos.data_sources.databases import DatabaseCredentials, GetDatabase, GetDatabases, RunQuery
from polykomos.data_sources.webhooks import GetWebhookDeliveries, GetWebhookEndpoints, WebhookTest
from resourcekit.resource import DataSource

# Results that no engine should store.
EPHEMERAL_RESOURCES: tuple[DataSource[Any, Any, Client], ...] = (DatabaseCredentials(),)

# Operations that run on request, not in every run.
ACTIONS: tuple[DataSource[Any, Any, Client], ...] = (WebhookTest(), RunQuery())

DATA_SOURCES: tuple[DataSource[Any, Any, Client], ...] = (
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
