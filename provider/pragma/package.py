"""The Pragma package: its declarations, and the client for its settings."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pragma.data_sources import GetDeadLetter, GetResources
from pragma.provider_code import ProviderCode
from pragma.resource import Resource
from pragma.settings import ENVIRONMENT, Settings
from resourcekit.http.errors import ApiError, ConflictError, NotFoundError
from resourcekit.http_package import HttpPackage
from resourcekit.resource import DataSource
from resourcekit.version import VERSION

if TYPE_CHECKING:
    from pragma.api import Client

_DATA_SOURCES: tuple[DataSource[Any, Any, Any], ...] = (GetResources(), GetDeadLetter())


@dataclass(frozen=True)
class Pragma(HttpPackage["Client"]):
    """The Pragma package for the engines' adapters."""

    @property
    def data_sources(self) -> tuple[DataSource[Any, Any, Client], ...]:
        """The data sources."""
        return _DATA_SOURCES

    def open_client(self, settings: Any, base_url: str, engine: str) -> Client:
        """Return a client for the settings."""
        from pragma.api import Client
        from resourcekit.http.credentials import bearer

        return Client(base_url=base_url, credentials=bearer(settings.api_key), user_agent_suffix=engine)

    def advice(self, error: ApiError) -> str:
        """Return what to do about an error of the API."""
        if isinstance(error, ConflictError):
            return ". Another change is being processed: run it again when that has ended"
        if isinstance(error, NotFoundError):
            return ". If it was deleted outside of the program, refresh the state and run it again"
        return super().advice(error)


@functools.cache
def package() -> Pragma:
    """Return the package; there is one per process."""
    return Pragma(
        name="pragma",
        version=VERSION,
        display_name="Pragma",
        description="Resources of Pragma's providers, provider code, and events that could not be processed.",
        homepage="https://pragmatiks.io",
        settings=Settings,
        environment=ENVIRONMENT,
        resources=(Resource(), ProviderCode()),
        error_fields={"provider": "provider_name", "resource": "resource_type"},
        keywords=("pulumi", "pragma", "category/infrastructure", "kind/native"),
    )
