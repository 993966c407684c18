"""Authenticate a request: the Authorization header and the stored keys (api-facts "Auth", C13)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from controlplane.db.pool import Connection, Row
from controlplane.http.errors import ApiError, forbidden
from controlplane.http.key_policy import is_inactive, is_ip_allowed
from controlplane.http.principal import Principal
from controlplane.services import Services

_BEARER = re.compile(r"Bearer ([\x21-\x7e]+)", re.IGNORECASE)
# last_used_at is shown to the second, so it need not be written more often.
_TOUCH_EVERY = timedelta(seconds=1)


def hash_key(key: str) -> bytes:
    """Return the SHA-256 of a raw key. Nothing else of the key is stored."""
    return hashlib.sha256(key.encode()).digest()


def bearer_token(header: str | None) -> str:
    """Return the key in an Authorization header.

    Raises:
        ApiError: 401, the header is missing or malformed.
    """
    challenge = {"WWW-Authenticate": "Bearer"}
    if not header:
        raise ApiError(401, "missing_authorization", "Missing Authorization header.", headers=challenge)
    match = _BEARER.fullmatch(header.strip())
    if match is None:
        raise ApiError(
            401,
            "malformed_authorization",
            "Malformed Authorization header: expected `Bearer <API key>`.",
            headers=challenge,
        )
    return match[1]


async def authenticate(services: Services, key: str, address: str | None, now: datetime) -> Principal:
    """Return the principal of a raw key, by its hash (`authenticate_hash`)."""
    return await authenticate_hash(services, hash_key(key), address, now)


async def authenticate_hash(services: Services, digest: bytes, address: str | None, now: datetime) -> Principal:
    """Return the principal of a key.

    The key is read from the store for each request, by a query that requests which arrive together share. A change of a
    key therefore applies to the next request, at every process.

    Args:
        services: The store, and the reads that share queries.
        digest: The key's hash.
        address: The client's IP address.
        now: The time of the request.

    Raises:
        ApiError: 403, the key is unknown, not active or not allowed for this client (C13, S35).
    """
    row = await services.reads.get(_read_keys, digest)
    if row is None or not hmac.compare_digest(row["hash"], digest):
        raise forbidden("invalid_api_key", "Invalid API key.")
    last_use = row["last_used_at"] or row["created_at"]
    if row["status"] != "active" or is_inactive(last_use, row["inactive_ttl_days"], now):
        raise forbidden("expired_api_key", "This API key has expired or was revoked.")
    if not is_ip_allowed(address, row["allowed_ip_list"]):
        raise forbidden("ip_not_allowed", "This API key may not be used from your IP address.")
    # The last use is in the future if the clock was set back.
    if row["last_used_at"] is None or abs(now - row["last_used_at"]) >= _TOUCH_EVERY:
        async with services.pool.connection() as conn:
            await conn.execute("UPDATE api_keys SET last_used_at = %s WHERE id = %s", (now, row["id"]))
    return Principal(
        key_id=row["id"],
        key_preview=row["preview"],
        user_id=row["user_id"],
        primary_team_id=row["primary_team_id"],
        team_ids=tuple(sorted(row["team_ids"])),
        scopes=frozenset(row["scopes"]),
        requests_per_minute=row["requests_per_minute"],
        monthly_quota=row["monthly_quota"],
    )


async def _read_keys(conn: Connection, digests: Sequence[bytes]) -> Mapping[bytes, Row]:
    """Return the keys of these hashes, with the teams of their users."""
    cursor = await conn.execute(
        "SELECT k.*,"
        " array_agg(m.team_id) AS team_ids, min(m.team_id) FILTER (WHERE m.is_primary) AS primary_team_id"
        " FROM api_keys k JOIN memberships m ON m.user_id = k.user_id WHERE k.hash"
        " = ANY(ARRAY(SELECT unnest(%s::bytea[]))) GROUP BY k.id",
        (digests,),
    )
    return {bytes(row["hash"]): row for row in await cursor.fetchall()}
