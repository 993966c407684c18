"""The Polnor package: its declarations, and the client for its settings."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polnor.resources.compute_instance import ComputeInstance
from polnor.resources.job import Job
from polnor.resources.serving_endpoint import ServingEndpoint
from polnor.resources.warehouse_state import WarehouseState
from polnor.settings import DEFAULT_BASE_URL, ENVIRONMENT, Settings
from resourcekit.http.errors import ApiError, ConfigurationError, NotFoundError, RateLimitedError, UnauthorizedError
from resourcekit.http_package import HttpPackage, default_advice
from resourcekit.resource import DataSource
from resourcekit.version import VERSION

if TYPE_CHECKING:
    from polnor.api import Client


@dataclass(frozen=True)
class Polnor(HttpPackage["Client"]):
    """The Polnor package for the engines' adapters."""

    @functools.cached_property
    def data_sources(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The data sources."""
        from polnor.data_sources import DATA_SOURCES

        return DATA_SOURCES

    @functools.cached_property
    def ephemeral_resources(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The ephemeral resources: URLs that no state contains."""
        from polnor.data_sources import UPLOADS

        return UPLOADS

    @functools.cached_property
    def actions(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The actions."""
        from polnor.actions import ACTIONS

        return ACTIONS

    def open_client(self, settings: Any, base_url: str, engine: str) -> Client:
        """Return a client with the key, or with the tokens of a login."""
        from polnor.api import API, Client
        from resourcekit.http.credentials import Credentials, LoginCredentials, bearer

        login = (settings.email, settings.password)
        if settings.api_key and any(login):
            raise ConfigurationError("set either `api_key` (POLNOR_API_KEY), or `email` and `password`: both are set")
        if not settings.api_key and not all(login):
            raise ConfigurationError(
                "set `api_key` (POLNOR_API_KEY), or `email` (POLNOR_EMAIL) and `password` (POLNOR_PASSWORD)"
            )
        credentials: Credentials = (
            bearer(settings.api_key)
            if settings.api_key
            else LoginCredentials(
                "/auth/login", {"email": settings.email, "password": settings.password}, "/auth/refresh"
            )
        )
        return Client(API, base_url=base_url, credentials=credentials, user_agent_suffix=engine)

    def name_sources(self, api: Client, sources: Mapping[str, str]) -> None:
        """Set where the key or the password comes from, for messages."""
        api.name_key(sources.get("api_key") or sources.get("password", ""))

    def advice(self, error: ApiError) -> str:
        """Return what to do about an error of the API."""
        if isinstance(error, UnauthorizedError):
            source = f", from {error.key_source}" if error.key_source else ""
            return f". Check `api_key`, or `email` and `password`{source}"
        if isinstance(error, RateLimitedError):
            return ". Remove an object of this kind that is no longer used, or have the quota raised"
        if isinstance(error, NotFoundError):
            return ". If it was deleted outside of the program, refresh the state and run it again"
        return default_advice(error, "POLNOR_API_KEY")


@functools.cache
def package() -> Polnor:
    """Return the package; there is one per process."""
    return Polnor(
        name="polnor",
        version=VERSION,
        display_name="Polnor",
        description="Compute instances, jobs, serving endpoints, SQL and the catalog of Polnor's data platform.",
        homepage="https://polnor.net",
        settings=Settings,
        environment=ENVIRONMENT,
        resources=(ComputeInstance(), Job(), ServingEndpoint(), WarehouseState()),
        keywords=("pulumi", "polnor", "data", "category/infrastructure", "kind/native"),
        default_base_url=DEFAULT_BASE_URL,
    )
