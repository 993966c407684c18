"""API failures as texts for people: what happened, by which rule, and the way out."""

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

# Fields that are no argument's: headers, and parameters of queries and paths.
_FIELDS = {"Idempotency-Key": "", "limit": "", "starting_after": "", "uuid": ""}
_TIMEOUTS = "`customTimeouts` (Pulumi) or `timeouts` (Terraform, OpenTofu)"


def to_resource_error(error: Exception) -> Exception:
    """A ResourceError for every failure of the client; any other exception unchanged."""
    if isinstance(error, ClientCancelledError):
        return OperationCancelled(str(error))
    if isinstance(error, ApiError):
        return ResourceError(f"{error}{_advice(error)}", property=_property(error))
    if isinstance(error, ResponseOverdueError):
        return ResourceError(f"{error}. Run it again: what was done is found. To give it more time, raise {_TIMEOUTS}")
    if isinstance(error, DeadlineExceededError):
        return ResourceError(f"{error}. Run it again: it goes on waiting. To let it wait longer, raise {_TIMEOUTS}")
    if isinstance(error, UnknownOutcomeError):
        return ResourceError(f"{error}. A refresh shows what became of it")
    if isinstance(error, TransportError):
        return ResourceError(f"{error}. Check `base_url`, the network and the service's status, then run it again")
    if isinstance(error, PolykomosError):
        return ResourceError(str(error))
    return error


def _property(error: ApiError) -> str:
    field = error.field or ""
    return _FIELDS.get(field, field)


# What an error's code says of the way out; statuses stand for the codes that are not known.
_BY_CODE = {
    "daily_query_limit_exceeded": ". The day's queries are used up: run it again after midnight UTC, or raise the plan",
    "monthly_quota_exceeded": ". The key's calls of the month are used up: raise its quota in the dashboard",
    "name_taken": (
        ". If this is the new database of a replacement, the old one still has the name: set `deleteBeforeReplace` "
        "(Pulumi), take `create_before_destroy` out (Terraform, OpenTofu), or give the new one another `name`"
    ),
    "system_blueprint_immutable": ". Make a blueprint of your own with this SQL, and change that one",
    "team_not_accessible": ". Name a team of the key's user, or use the key of somebody in that team",
}


def _advice(error: ApiError) -> str:
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if isinstance(error, RateLimitedError):
        return ". Wait a minute, lower --parallel, or raise the key's limit in the dashboard"
    if isinstance(error, UnauthorizedError):
        return f". Check the API key (`api_key` or POLYKOMOS_API_KEY){_refused_key(error)}"
    if isinstance(error, ForbiddenError):
        scopes = error.details.get("required_scopes")
        if isinstance(scopes, list) and scopes:
            return f". The API key needs {', '.join(map(str, scopes))}{_refused_key(error)}"
        return f". Check the API key's status, scopes and allowed addresses{_refused_key(error)}"
    return ""


def _refused_key(error: ApiError) -> str:
    return f". The key that was refused is {error.key_source}" if error.key_source else ""
