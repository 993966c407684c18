"""The Polykomos package: its declarations, and the client for its settings."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polykomos import client
from polykomos.error_messages import FIELDS, advice
from polykomos.resources import RESOURCES
from polykomos.settings import DEFAULT_BASE_URL, ENVIRONMENT, Settings
from polykomos.version import VERSION
from resourcekit.http_package import HttpPackage
from resourcekit.resource import DataSource, ProviderFunction

if TYPE_CHECKING:
    from polykomos.client import Client
    from resourcekit.component import Component


@dataclass(frozen=True)
class Polykomos(HttpPackage["Client"]):
    """The Polykomos package for the engines' adapters."""

    @functools.cached_property
    def data_sources(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The data sources."""
        from polykomos.data_sources import DATA_SOURCES

        return DATA_SOURCES

    @functools.cached_property
    def ephemeral_resources(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The ephemeral resources."""
        from polykomos.data_sources import EPHEMERAL_RESOURCES

        return EPHEMERAL_RESOURCES

    @functools.cached_property
    def actions(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The actions."""
        from polykomos.data_sources import ACTIONS

        return ACTIONS

    @functools.cached_property
    def functions(self) -> tuple[ProviderFunction[Any], ...]:
        """The provider functions."""
        from polykomos.functions import FUNCTIONS

        return FUNCTIONS

    @functools.cached_property
    def components(self) -> tuple[Component[Any, Any], ...]:
        """The components."""
        from polykomos.components import COMPONENTS

        return COMPONENTS

    def open_client(self, settings: Any, base_url: str, engine: str) -> Client:
        """Return a client for the settings."""
        return client.Client(
            base_url=base_url,
            api_key=settings.api_key,
            user_agent_suffix=engine,
            read_snapshot_seconds=settings.read_snapshot_seconds,
        )

    def advice(self, error: client.ApiError) -> str:
        """Return what to do about an error of the API."""
        return advice(error)

    def account(self, api: Client) -> str | None:
        """Return a fingerprint of the key's account, or None."""
        return api.account_id()


@functools.cache
def package() -> Polykomos:
    """Return the package; there is one per process."""
    return Polykomos(
        name="polykomos",
        version=VERSION,
        display_name="Polykomos",
        description="Managed PostgreSQL and MySQL databases, versioned SQL blueprints and webhook endpoints.",
        homepage="https://polykomos.com",
        settings=Settings,
        default_base_url=DEFAULT_BASE_URL,
        error_fields=FIELDS,
        environment=ENVIRONMENT,
        resources=RESOURCES,
        idempotency_scope_setting="idempotency_scope",
        keywords=("pulumi", "polykomos", "database", "postgresql", "mysql", "category/database", "kind/native"),
    )
