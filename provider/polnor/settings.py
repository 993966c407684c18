"""The provider's settings, the same on every engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from resourcekit.fields import Arguments, Secret
from resourcekit.http.setting_values import normalize_key, normalize_password, normalize_url

API_PATH: Final = "/api/v1"
DEFAULT_BASE_URL: Final = "https://api.polnor.net/api/v1"

# Used if a setting is omitted; such a value is never stored in the engine's state.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "api_key": "POLNOR_API_KEY",
    "email": "POLNOR_EMAIL",
    "password": "POLNOR_PASSWORD",
    "base_url": "POLNOR_BASE_URL",
}


def _url(text: str) -> str:
    return normalize_url(text, path=API_PATH, example=DEFAULT_BASE_URL)


class Settings(Arguments):
    """The settings of the provider: an API key, or the email and the password of a login."""

    api_key: Annotated[str | None, Secret(), AfterValidator(normalize_key)] = Field(
        None, description="API key or agent token, sent as a bearer token. Default: POLNOR_API_KEY."
    )
    email: Annotated[str | None, AfterValidator(str.strip)] = Field(
        None, description="Email of a login, instead of `api_key`. Default: POLNOR_EMAIL."
    )
    password: Annotated[str | None, Secret(), AfterValidator(normalize_password)] = Field(
        None,
        description="Password of the login. Its tokens live an hour and are renewed before they expire. Default: "
        "POLNOR_PASSWORD.",
    )
    base_url: Annotated[str | None, AfterValidator(_url)] = Field(
        None, description=f"URL of the API, with `{API_PATH}`. Default: POLNOR_BASE_URL, else {DEFAULT_BASE_URL}."
    )
