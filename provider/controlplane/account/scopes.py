"""The scopes that a key can have (api-facts "Scopes")."""

from __future__ import annotations

ALL_SCOPES = (
    "databases:read",
    "databases:write",
    "webhooks:read",
    "webhooks:write",
    "blueprints:read",
    "blueprints:write",
    "queries:write",
)
WILDCARDS = ("databases:*",)
