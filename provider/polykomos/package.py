"""The Polykomos package: its declarations, and the client for its settings."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from polykomos import client
from polykomos.client.setting_values import is_unencrypted
from polykomos.error_messages import to_resource_error
from polykomos.resources import RESOURCES
from polykomos.settings import DEFAULT_BASE_URL, ENVIRONMENT, Settings
from polykomos.version import VERSION
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments
from resourcekit.package import Package
from resourcekit.resource import DataSource, ProviderFunction

if TYPE_CHECKING:
    from polykomos.client import Client
    from resourcekit.component import Component

# Suffixes of the example files, by engine.
_EXAMPLES = {"pulumi-yaml": "pulumi-yaml.yaml", "terraform": "terraform.tf"}


@dataclass(frozen=True)
class Polykomos(Package["Client"]):
    """The Polykomos package for the engines' adapters."""

    @functools.cached_property
    def data_sources(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The data sources."""
        from polykomos.data_sources import FUNCTIONS

        return FUNCTIONS

    @functools.cached_property
    def ephemeral_resources(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The ephemeral resources."""
        from polykomos.data_sources import CREDENTIALS

        return CREDENTIALS

    @functools.cached_property
    def actions(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The actions."""
        from polykomos.data_sources import ACTIONS

        return ACTIONS

    @functools.cached_property
    def functions(self) -> tuple[ProviderFunction[Any], ...]:
        """The provider functions."""
        from polykomos.functions import CALCULATIONS

        return CALCULATIONS

    @functools.cached_property
    def components(self) -> tuple[Component[Any, Any], ...]:
        """The components."""
        from polykomos.components import COMPONENTS

        return COMPONENTS

    def connect(self, settings: Arguments, engine: str, warn: Callable[[str], None]) -> Client:
        """Return a client for the settings; raises ResourceError if they are invalid."""
        values = cast("Settings", settings)
        base_url = values.base_url or DEFAULT_BASE_URL
        if is_unencrypted(base_url):
            warn("`base_url` is plain http: the API key and passwords are sent unencrypted. Use an https URL")
        try:
            api = client.Client(
                base_url=base_url,
                api_key=values.api_key,
                user_agent_suffix=engine,
                read_snapshot_seconds=values.read_snapshot_seconds,
            )
        except client.ConfigurationError as error:
            raise ResourceError(str(error)) from error
        if api.route.proxy:
            for entry in api.route.passed_over:
                warn(
                    f"{api.route.exceptions}: the entry {entry!r} is invalid and is ignored; {base_url} is reached "
                    f"through {api.route.shown} ({api.route.source})"
                )
        return api

    def name_sources(self, api: Client, sources: Mapping[str, str]) -> None:
        """Set where the API key comes from, for messages."""
        api.name_key(sources.get("api_key", ""))

    def account(self, api: Client) -> str | None:
        """Return a fingerprint of the key's account, or None."""
        return api.account_id()

    def with_deadline(
        self, api: Client, deadline: float, cancel: threading.Event, say: Callable[[str], None]
    ) -> Client:
        """Return the client with the limits of one operation."""
        return api.with_options(client.RequestOptions(deadline, cancel, say))

    def to_resource_error(self, error: Exception) -> Exception:
        """Return the message for an error of the client."""
        return to_resource_error(error)

    def example(self, name: str, engine: str) -> str | None:
        """Return the example of a resource or data source for an engine, or None."""
        from importlib import resources

        suffix = _EXAMPLES.get(engine)
        path = resources.files("polykomos").joinpath("docs", f"{name}.{suffix}")
        return path.read_text(encoding="utf-8") if suffix and path.is_file() else None


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
        environment=ENVIRONMENT,
        resources=RESOURCES,
        idempotency_scope_setting="idempotency_scope",
        keywords=("pulumi", "polykomos", "database", "postgresql", "mysql", "category/database", "kind/native"),
    )
