"""GET /me: the key's user, and what the key may do (operation 1)."""

from __future__ import annotations

from controlplane.http.context import Operation, RequestContext
from controlplane.http.responses import ApiResponse, envelope, format_naive

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


async def get_me(call: RequestContext) -> ApiResponse:
    """Return the user and the key of the request."""
    row = await call.conn.fetch_row(
        "SELECT u.name AS user_name, u.email, k.* FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.id = %s",
        (call.principal.key_id,),
    )
    return envelope(
        {
            "user": {"object": "user", "name": row["user_name"], "email": row["email"]},
            "api_key": {
                "object": "api_key",
                "name": row["name"],
                "preview": row["preview"],
                "permissions": row["scopes"],
                "status": row["status"],
                "last_used_at": row["last_used_at"] and format_naive(row["last_used_at"]),
                "controls": {
                    "requests_per_minute": row["requests_per_minute"],
                    "monthly_quota": row["monthly_quota"],
                    "allowed_ip_list": row["allowed_ip_list"],
                    "inactive_ttl_days": row["inactive_ttl_days"],
                },
            },
        }
    )


OPERATIONS = (Operation("GET", "/me", "getMe", (), get_me),)
