"""The provider's settings, the same on every engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from resourcekit.fields import Arguments, Secret
from resourcekit.http.setting_values import normalize_key, normalize_url

# Used if a setting is omitted; such a value is never stored in the engine's state.
ENVIRONMENT: Final[Mapping[str, str]] = {"api_key": "PRAGMA_API_KEY", "base_url": "PRAGMA_BASE_URL"}


def _url(text: str) -> str:
    return normalize_url(text, path="", example="https://api.example.com")


class Settings(Arguments):
    """The settings of the provider."""

    api_key: Annotated[str, Secret(), AfterValidator(normalize_key)] = Field(
        description="Token of `pragma auth login` or of the dashboard. Default: PRAGMA_API_KEY."
    )
    base_url: Annotated[str, AfterValidator(_url)] = Field(description="URL of the API. Default: PRAGMA_BASE_URL.")
