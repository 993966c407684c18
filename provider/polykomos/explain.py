"""API failures as texts for people: what happened, by which rule, and the way out."""

from __future__ import annotations

from polykomos.client.errors import (
    AnswerOverdue,
    ApiError,
    Cancelled,
    DeadlineExceeded,
    Forbidden,
    PolykomosError,
    RateLimited,
    TransportError,
    Unauthorized,
    UnknownOutcome,
)
from resourcekit.errors import Cancelled as OperationCancelled
from resourcekit.errors import ResourceError

# Fields that are no argument's: headers, and parameters of queries and paths.
_FIELDS = {"Idempotency-Key": "", "limit": "", "starting_after": "", "uuid": ""}
_TIMEOUTS = "`customTimeouts` (Pulumi) or `timeouts` (Terraform, OpenTofu)"


def explain(error: Exception) -> Exception:
    """A ResourceError for every failure of the client; any other exception unchanged."""
    if isinstance(error, Cancelled):
        return OperationCancelled(str(error))
    if isinstance(error, ApiError):
        return ResourceError(f"{error}{_advice(error)}", property=_property(error))
    if isinstance(error, AnswerOverdue):
        return ResourceError(f"{error}. Run it again: what was done is found. To give it more time, raise {_TIMEOUTS}")
    if isinstance(error, DeadlineExceeded):
        return ResourceError(f"{error}. Run it again: it goes on waiting. To let it wait longer, raise {_TIMEOUTS}")
    if isinstance(error, UnknownOutcome):
        return ResourceError(f"{error}. A refresh shows what became of it")
    if isinstance(error, TransportError):
        return ResourceError(f"{error}. Check `base_url`, the network and the service's status, then run it again")
    if isinstance(error, PolykomosError):
        return ResourceError(str(error))
    return error


def _property(error: ApiError) -> str:
    field = error.field or ""
    return _FIELDS.get(field, field)


def _advice(error: ApiError) -> str:
    if isinstance(error, Unauthorized):
        return ". Check the API key (`api_key` or POLYKOMOS_API_KEY)"
    if isinstance(error, RateLimited):
        return ". Wait a minute, lower --parallel, or raise the key's limit in the dashboard"
    if isinstance(error, Forbidden):
        scopes = error.details.get("required_scopes")
        if isinstance(scopes, list) and scopes:
            return f". The API key needs {', '.join(map(str, scopes))}"
        return ". Check the API key's status, scopes and allowed addresses"
    return ""
