"""The provider's settings, the same on every engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from resourcekit.fields import Arguments, Secret
from resourcekit.http.setting_values import normalize_key, normalize_url

DEFAULT_BASE_URL: Final = "https://app.polytomic.com"

# Used if a setting is omitted; such a value is never stored in the engine's state.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "api_key": "POLYTOMIC_API_KEY",
    "organization_key": "POLYTOMIC_ORGANIZATION_KEY",
    "base_url": "POLYTOMIC_BASE_URL",
    "api_version": "POLYTOMIC_API_VERSION",
}


def _url(text: str) -> str:
    return normalize_url(text, path="", example=DEFAULT_BASE_URL)


def _organization_key(text: str) -> str:
    key = normalize_key(text)
    if ":" not in key:
        raise ValueError("must be user:password for HTTP Basic; a key alone is the user: write `KEY:`")
    return key


class Settings(Arguments):
    """The settings of the provider. Set one of the two keys."""

    api_key: Annotated[str | None, Secret(), AfterValidator(normalize_key)] = Field(
        None, description="A user's API key, sent as a bearer token. Default: POLYTOMIC_API_KEY."
    )
    organization_key: Annotated[str | None, Secret(), AfterValidator(_organization_key)] = Field(
        None,
        description="An organization's key as `user:password`, sent by HTTP Basic, instead of `api_key`. Default: "
        "POLYTOMIC_ORGANIZATION_KEY.",
    )
    base_url: Annotated[str | None, AfterValidator(_url)] = Field(
        None, description=f"URL of the API, without `/api`. Default: POLYTOMIC_BASE_URL, else {DEFAULT_BASE_URL}."
    )
    api_version: Annotated[str | None, AfterValidator(normalize_key)] = Field(
        None,
        description="Version of the API, sent as X-Polytomic-Version. Default: POLYTOMIC_API_VERSION, else the header "
        "is not sent.",
    )
