"""The provider's settings, the same on every engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from polykomos.client.setting_values import normalize_api_key, normalize_base_url
from resourcekit.fields import Arguments, Secret, Validator

DEFAULT_BASE_URL: Final = "https://polykomos.com/api/v1"

# Read when a setting is left out; such a value never enters the engine's state.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "api_key": "POLYKOMOS_API_KEY",
    "base_url": "POLYKOMOS_BASE_URL",
    "idempotency_scope": "POLYKOMOS_IDEMPOTENCY_SCOPE",
}


class Settings(Arguments):
    """How to reach the API."""

    api_key: Annotated[str, Secret(), AfterValidator(normalize_api_key)] = Field(
        description="API key (`pk_live_…`). Read from the environment variable POLYKOMOS_API_KEY when left out."
    )
    base_url: Annotated[str | None, AfterValidator(normalize_base_url)] = Field(
        None,
        description=f"Where the API is, `/api/v1` included. Read from POLYKOMOS_BASE_URL when left out; "
        f"{DEFAULT_BASE_URL} without either.",
    )
    idempotency_scope: Annotated[str | None, Validator(lambda scope: bool(scope.strip()), "must not be empty")] = Field(
        None,
        description="For Terraform, OpenTofu and Pulumi's dynamic provider: a name that no other state shares, such as "
        "`prod/orders`. With it, what a killed run had created is found again by the next one, within 24 hours. "
        "Pulumi's plugin needs none. Read from POLYKOMOS_IDEMPOTENCY_SCOPE when left out.",
    )
    read_snapshot_seconds: Annotated[float | None, Validator(lambda age: 0 <= age <= 300, "must be from 0 to 300")] = (
        Field(
            None,
            description="Reads of several objects share list pages, which are at most so many seconds old and never "
            "from before the provider's own last write. 0 reads each object by itself. Default 10.",
        )
    )
