"""The Pragma package: its settings and its declarations."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from pragma.data_sources import DATA_SOURCES
from pragma.provider_code import ProviderCode
from pragma.resource import Resource
from resourcekit.fields import Arguments, Secret
from resourcekit.http.errors import ConflictError
from resourcekit.http.setting_values import BaseUrl, environment_of, normalize_key
from resourcekit.http_package import HttpPackage
from resourcekit.package import DeclaredCalls
from resourcekit.version import VERSION

if TYPE_CHECKING:
    from pragma.api import Client


class Settings(Arguments):
    """The settings of the provider."""

    api_key: Annotated[str, Secret(), AfterValidator(normalize_key)] = Field(
        description="Token of `pragma auth login` or of the dashboard. Default: PRAGMA_API_KEY."
    )
    base_url: Annotated[str, BaseUrl(example="https://api.example.com")] = Field(
        description="URL of the API. Default: PRAGMA_BASE_URL."
    )


@functools.cache
def package() -> HttpPackage[Client]:
    """Return the package; there is one per process."""
    return HttpPackage(
        name="pragma",
        version=VERSION,
        display_name="Pragma",
        description="Resources of Pragma's providers, provider code, and events that could not be processed.",
        homepage="https://pragmatiks.io",
        settings=Settings,
        environment=environment_of("pragma", Settings),
        resources=(Resource(), ProviderCode()),
        calls=lambda: DeclaredCalls(data_sources=DATA_SOURCES),
        error_fields={"provider": "provider_name", "resource": "resource_type"},
        error_advice={ConflictError: "Another change is being processed: run it again when that has ended"},
        keywords=("pulumi", "pragma", "category/infrastructure", "kind/native"),
    )
