"""The Polytomic package: its declarations, and the client for its settings."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polytomic.query import GetQuery
from polytomic.settings import DEFAULT_BASE_URL, ENVIRONMENT, Settings
from resourcekit.http.errors import ApiError, ConfigurationError, InvalidRequestError, NotFoundError, ServerError
from resourcekit.http_package import HttpPackage, default_advice
from resourcekit.resource import DataSource
from resourcekit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polytomic.api import Client

_QUERY: tuple[DataSource[Any, Any, Any], ...] = (GetQuery(),)


@dataclass(frozen=True)
class Polytomic(HttpPackage["Client"]):
    """The Polytomic package for the engines' adapters."""

    @property
    def data_sources(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The data sources."""
        return _QUERY

    @property
    def ephemeral_resources(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The ephemeral resources: rows that no state contains."""
        return _QUERY

    @property
    def actions(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The actions: SQL that runs on request."""
        return _QUERY

    def open_client(self, settings: Any, base_url: str, engine: str) -> Client:
        """Return a client with the one key that is set."""
        from polytomic.api import Client
        from resourcekit.http.credentials import basic, bearer

        if (settings.api_key is None) == (settings.organization_key is None):
            raise ConfigurationError(
                "set one of `api_key` (POLYTOMIC_API_KEY) and `organization_key` (POLYTOMIC_ORGANIZATION_KEY): "
                + ("both are set" if settings.api_key else "neither is set")
            )
        credentials = bearer(settings.api_key) if settings.api_key else basic(settings.organization_key)
        return Client(
            base_url=base_url,
            credentials=credentials,
            api_version=settings.api_version or "",
            user_agent_suffix=engine,
        )

    def name_sources(self, api: Client, sources: Mapping[str, str]) -> None:
        """Set where the key comes from, for messages."""
        api.name_key(sources.get("api_key") or sources.get("organization_key", ""))

    def advice(self, error: ApiError) -> str:
        """Return what to do about an error of the API."""
        if isinstance(error, NotFoundError):
            return ". Check `connection_id`: there must be such a connection, and the key must see it"
        if error.status == 414:
            return ". The API takes the SQL in the URL: shorten it, for example by a view"
        if isinstance(error, InvalidRequestError):
            return ". Check `connection_id` and `query`"
        if isinstance(error, ServerError):
            return ". The query may have been submitted: if the SQL writes, look whether it did before you run it again"
        return default_advice(error, "POLYTOMIC_API_KEY, or `organization_key` or POLYTOMIC_ORGANIZATION_KEY")


@functools.cache
def package() -> Polytomic:
    """Return the package; there is one per process."""
    return Polytomic(
        name="polytomic",
        version=VERSION,
        display_name="Polytomic",
        description="SQL on the connections of a Polytomic organization, by its query runner.",
        homepage="https://polytomic.com",
        settings=Settings,
        environment=ENVIRONMENT,
        resources=(),
        keywords=("pulumi", "polytomic", "sql", "category/database", "kind/native"),
        default_base_url=DEFAULT_BASE_URL,
    )
