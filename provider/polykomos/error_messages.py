"""Messages for the client's errors: what happened, by which rule, and what to do."""

from __future__ import annotations

from polykomos.client.errors import (
    ApiError,
    ClientCancelledError,
    DeadlineExceededError,
    ForbiddenError,
    PolykomosError,
    RateLimitedError,
    ResponseOverdueError,
    TransportError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from resourcekit.errors import CancelledError as OperationCancelled
from resourcekit.errors import ResourceError

# Fields that are not arguments: headers, and parameters of queries and paths.
_FIELDS = {"Idempotency-Key": "", "limit": "", "starting_after": "", "uuid": ""}
_TIMEOUTS = "`customTimeouts` (Pulumi) or `timeouts` (Terraform, OpenTofu)"


def to_resource_error(error: Exception) -> Exception:
    """Return a ResourceError for an error of the client, and any other exception unchanged."""
    if isinstance(error, ClientCancelledError):
        return OperationCancelled(str(error))
    if isinstance(error, ApiError):
        return ResourceError(f"{error}{_advice(error)}", property=_property(error))
    if isinstance(error, ResponseOverdueError):
        return ResourceError(
            f"{error}. Run it again: the provider finds what was done. For a longer time-out, raise {_TIMEOUTS}"
        )
    if isinstance(error, DeadlineExceededError):
        return ResourceError(f"{error}. Run it again, which resumes the wait. For a longer time-out, raise {_TIMEOUTS}")
    if isinstance(error, UnknownOutcomeError):
        return ResourceError(f"{error}. Refresh the state to see whether it was carried out")
    if isinstance(error, TransportError):
        return ResourceError(f"{error}. Check `base_url`, the network and the service's status, then run it again")
    if isinstance(error, PolykomosError):
        return ResourceError(str(error))
    return error


def _property(error: ApiError) -> str:
    field = error.field or ""
    return _FIELDS.get(field, field)


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


def _advice(error: ApiError) -> str:
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if isinstance(error, RateLimitedError):
        return ". Wait a minute, lower `--parallel`, or raise the key's limit in the dashboard"
    if isinstance(error, UnauthorizedError):
        return f". Check the API key (`api_key` or POLYKOMOS_API_KEY){_refused_key(error)}"
    if isinstance(error, ForbiddenError):
        scopes = error.details.get("required_scopes")
        if isinstance(scopes, list) and scopes:
            return f". The API key requires the scopes {', '.join(map(str, scopes))}{_refused_key(error)}"
        return f". Check the API key's status, scopes and allowed addresses{_refused_key(error)}"
    return ""


def _refused_key(error: ApiError) -> str:
    return f". The rejected key comes from {error.key_source}" if error.key_source else ""
