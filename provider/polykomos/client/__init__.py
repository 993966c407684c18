"""A typed client of the Polykomos API: models, one error hierarchy, idempotency keys, retries and waits.

What only a connection needs is imported on first use: engines start a plugin several times per command, often without
a call to the API.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from polykomos.client.errors import (
    ApiError,
    ClientCancelledError,
    ConfigurationError,
    ConflictError,
    DeadlineExceededError,
    ForbiddenError,
    IdempotencyConflictError,
    IdempotencyInProgressError,
    IncompleteListError,
    InvalidRequestError,
    NotFoundError,
    PolykomosError,
    RateLimitedError,
    ServerError,
    TransportError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from polykomos.client.secrets import Secret, redact

if TYPE_CHECKING:
    from polykomos.client.client import Client
    from polykomos.client.models import (
        Account,
        ApiKey,
        Blueprint,
        BlueprintApplication,
        BlueprintValidation,
        CreatedWebhookEndpoint,
        Database,
        DatabaseType,
        DeletedDatabase,
        QueryExecution,
        Quotas,
        Region,
        WebhookDelivery,
        WebhookEndpoint,
        WriteResult,
    )
    from resourcekit.http.transport import RequestOptions

__all__ = [
    "Account",
    "ApiError",
    "ApiKey",
    "Blueprint",
    "BlueprintApplication",
    "BlueprintValidation",
    "Client",
    "ClientCancelledError",
    "ConfigurationError",
    "ConflictError",
    "CreatedWebhookEndpoint",
    "Database",
    "DatabaseType",
    "DeadlineExceededError",
    "DeletedDatabase",
    "ForbiddenError",
    "IdempotencyConflictError",
    "IdempotencyInProgressError",
    "IncompleteListError",
    "InvalidRequestError",
    "NotFoundError",
    "PolykomosError",
    "QueryExecution",
    "Quotas",
    "RateLimitedError",
    "Region",
    "RequestOptions",
    "Secret",
    "ServerError",
    "TransportError",
    "UnauthorizedError",
    "UnknownOutcomeError",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WriteResult",
    "redact",
]

_MODULES = {"Client": "polykomos.client.client", "RequestOptions": "resourcekit.http.transport"}
# Names of releases before 0.2, which programs may still import.
_FORMER_NAMES = {
    "Bounds": "RequestOptions",
    "Cancelled": "ClientCancelledError",
    "Conflict": "ConflictError",
    "DeadlineExceeded": "DeadlineExceededError",
    "Forbidden": "ForbiddenError",
    "IdempotencyConflict": "IdempotencyConflictError",
    "IdempotencyInProgress": "IdempotencyInProgressError",
    "IncompleteList": "IncompleteListError",
    "InvalidRequest": "InvalidRequestError",
    "NotFound": "NotFoundError",
    "RateLimited": "RateLimitedError",
    "Unauthorized": "UnauthorizedError",
    "UnknownOutcome": "UnknownOutcomeError",
    "Written": "WriteResult",
    "mask": "redact",
}


def __getattr__(name: str) -> Any:
    """Import a name of `__all__` on first use."""
    current = _FORMER_NAMES.get(name, name)
    if current not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if current in globals():
        return globals()[current]
    found = getattr(importlib.import_module(_MODULES.get(current, "polykomos.client.models")), current)
    globals()[current] = found
    return found
