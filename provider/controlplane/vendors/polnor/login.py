"""Logins: an email and a password become a bearer token that expires."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from controlplane.db.pool import Connection
from controlplane.http.auth import authenticate, authenticate_hash, hash_key
from controlplane.http.context import Operation, RequestContext
from controlplane.http.errors import ApiError
from controlplane.http.principal import Principal
from controlplane.http.responses import ApiResponse
from controlplane.http.validation import Body, parse_body
from controlplane.services import Services

LIFETIME: Final = timedelta(hours=1)
_PREFIX: Final = "pnt_"


class Credentials(Body):
    """The body of `POST /auth/login`. The password of a user of this server is one of the user's API keys."""

    email: str
    password: str


async def log_in(services: Services, body: object, now: datetime) -> ApiResponse:
    """Exchange credentials for a token.

    Raises:
        ApiError: 401, they are wrong.
    """
    credentials = parse_body(Credentials, body)
    async with services.pool.connection() as conn:
        digest = await conn.fetch_value(
            "SELECT k.hash FROM api_keys k JOIN users u ON u.id = k.user_id"
            " WHERE u.email = %s AND k.hash = %s AND k.status = 'active'",
            (credentials.email, hash_key(credentials.password)),
        )
        if digest is None:
            raise ApiError(401, "invalid_login", "The email or the password is wrong.")
        return await _issue(conn, bytes(digest), now)


async def refresh(call: RequestContext) -> ApiResponse:
    """Answer with a new token of the caller."""
    digest = await call.conn.fetch_value("SELECT hash FROM api_keys WHERE id = %s", (call.principal.key_id,))
    return await _issue(call.conn, bytes(digest), call.now)


async def identify(services: Services, key: str, address: str | None, now: datetime) -> Principal:
    """Return the principal of a token or an API key.

    Raises:
        ApiError: 401, the token has expired; as `authenticate` otherwise.
    """
    if not key.startswith(_PREFIX):
        return await authenticate(services, key, address, now)
    async with services.pool.connection() as conn:
        digest = await conn.fetch_value(
            "SELECT key_hash FROM polnor_tokens WHERE hash = %s AND expires_at > %s", (hash_key(key), now)
        )
    if digest is None:
        raise ApiError(401, "expired_token", "The token is unknown or has expired.")
    return await authenticate_hash(services, bytes(digest), address, now)


async def forget_expired(conn: Connection, now: datetime) -> None:
    """Delete the expired tokens."""
    await conn.execute("DELETE FROM polnor_tokens WHERE expires_at <= %s", (now,))


async def _issue(conn: Connection, digest: bytes, now: datetime) -> ApiResponse:
    token = _PREFIX + secrets.token_urlsafe(32)
    await conn.execute(
        "INSERT INTO polnor_tokens (hash, key_hash, expires_at) VALUES (%s, %s, %s)",
        (hash_key(token), digest, now + LIFETIME),
    )
    return ApiResponse(
        200, {"access_token": token, "token_type": "Bearer", "expires_in": int(LIFETIME.total_seconds())}
    )


OPERATIONS = (Operation("POST", "/auth/refresh", "polnorRefresh", (), refresh),)
