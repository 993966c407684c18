"""What to do about the errors of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from polykomos.client.errors import ApiError, ForbiddenError
from resourcekit.http_package import default_advice

# Fields that are not arguments: headers, and parameters of queries and paths.
FIELDS: Final[Mapping[str, str]] = {"Idempotency-Key": "", "limit": "", "starting_after": "", "uuid": ""}

# Advice by error code; for codes that are not listed, it depends on the status.
_BY_CODE = {
    "daily_query_limit_exceeded": (
        ". The day's queries are used up: run it again after midnight UTC, or choose a larger plan"
    ),
    "monthly_quota_exceeded": (
        ". The key's calls of the month are used up: raise its quota in the dashboard, or use another key"
    ),
    "name_taken": (
        ". If this database replaces another one, the old one still has the name: set `deleteBeforeReplace` "
        "(Pulumi), remove `create_before_destroy` (Terraform, OpenTofu), or give the new one another `name`"
    ),
    "system_blueprint_immutable": ". Create a blueprint of your own with this SQL, and change that one",
    "team_not_accessible": ". Set `team_id` to a team of the key's user, or use the key of a member of that team",
}


def advice(error: ApiError) -> str:
    """Return what to do about an error, as an end of a sentence that begins with ". ", or ""."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    scopes = error.details.get("required_scopes")
    if isinstance(error, ForbiddenError) and isinstance(scopes, list) and scopes:
        source = f". The rejected key comes from {error.key_source}" if error.key_source else ""
        return f". The API key requires the scopes {', '.join(map(str, scopes))}{source}"
    return default_advice(error, "the API key (`api_key` or POLYKOMOS_API_KEY)")
