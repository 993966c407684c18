"""The provider's settings, the same on every engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from polykomos.client.setting_values import normalize_api_key, normalize_base_url
from resourcekit.fields import Arguments, Secret, Validator

DEFAULT_BASE_URL: Final = "https://polykomos.com/api/v1"

# Used if a setting is omitted; such a value is never stored in the engine's state.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "api_key": "POLYKOMOS_API_KEY",
    "base_url": "POLYKOMOS_BASE_URL",
    "idempotency_scope": "POLYKOMOS_IDEMPOTENCY_SCOPE",
}


class Settings(Arguments):
    """The settings of the provider."""

    api_key: Annotated[str, Secret(), AfterValidator(normalize_api_key)] = Field(
        description="API key (`pk_live_…`). Default: the environment variable POLYKOMOS_API_KEY."
    )
    base_url: Annotated[str | None, AfterValidator(normalize_base_url)] = Field(
        None,
        description=f"URL of the API, with `/api/v1`. Default: POLYKOMOS_BASE_URL, else {DEFAULT_BASE_URL}.",
    )
    idempotency_scope: Annotated[str | None, Validator(lambda scope: bool(scope.strip()), "must not be empty")] = Field(
        None,
        description="For Terraform, OpenTofu and Pulumi's dynamic provider: a name that no other state shares, such as "
        "`prod/orders`. With it, the next run within 24 hours finds the objects that an interrupted run created. "
        "Pulumi's plugin does not need it. Default: POLYKOMOS_IDEMPOTENCY_SCOPE.",
    )
    read_snapshot_seconds: Annotated[float | None, Validator(lambda age: 0 <= age <= 300, "must be from 0 to 300")] = (
        Field(
            None,
            description="Maximum age, in seconds, of the list pages that reads of several objects share. They "
            "are never older than the provider's last write. 0 reads each object by itself. Default 10.",
        )
    )
