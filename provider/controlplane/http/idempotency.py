"""Idempotency-Key: the same response for the same request (api-facts "Idempotency", C9-C11).

The response is stored in the transaction of the change, so after a crash either both exist or neither does. While the
transaction runs, an advisory lock on the key marks it as in progress. The lock ends with its connection.
If a handler goes on to wait, its first response is stored as pending. Later requests receive a pending response only
once the waiting process has finished or died.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Json

from controlplane.db.pool import Connection
from controlplane.db.process_lease import is_alive
from controlplane.http.errors import ApiError, invalid_field, missing_field

HEADER = "Idempotency-Key"
LIFETIME = timedelta(hours=24)

_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_VALIDATION_CODES = frozenset({"missing_required_field", "invalid_field", "invalid_cursor", "invalid_sql"})


@dataclass(frozen=True)
class Key:
    """An Idempotency-Key of one API key.

    Attributes:
        api_key_id: The API key that sent it.
        value: The header.
        fingerprint: A hash of the request that it was sent with.
    """

    api_key_id: int
    value: str
    fingerprint: bytes


@dataclass(frozen=True)
class StoredReply:
    """The stored response of an earlier request."""

    status: int
    body: dict[str, Any]


def read_header(value: str | None) -> str:
    """Return the Idempotency-Key: 1 to 255 printable ASCII characters (C9).

    Raises:
        ApiError: 422, the header is missing or malformed.
    """
    if not value:
        raise missing_field(HEADER)
    if not _KEY.fullmatch(value):
        raise invalid_field(HEADER, "must be 1 to 255 printable ASCII characters")
    return value


def fingerprint(method: str, path: str, query: Sequence[tuple[str, str]], body: object) -> bytes:
    """Return a hash of what must be equal for a replay: method, path, query and body, in any order and spacing."""
    canonical = json.dumps([method, path, sorted(query), body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


def is_storable(status: int, code: str | None) -> bool:
    """Return whether a response answers later requests with its key (C11).

    Stored: success, and errors that a valid request met (404, 422 because of a state). Not stored: refusals before the
    request was examined (401, 403, 409, 413, 429), failed validation (a corrected request may use the key), and 5xx,
    which must be retried.
    """
    if code is None:
        return 200 <= status < 300
    return status == 404 or (status == 422 and code not in _VALIDATION_CODES)


async def claim(conn: Connection, key: Key, now: datetime) -> StoredReply | None:
    """Take the key for this transaction.

    Returns:
        The response to replay, or None.

    Raises:
        ApiError: 409 `idempotency_key_in_progress` or `idempotency_key_conflict`.
    """
    cursor = await conn.execute(
        "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0)) AS taken", (f"{key.api_key_id}:{key.value}",)
    )
    lock = await cursor.fetchone()
    if lock is None or not lock["taken"]:
        raise _in_progress()
    cursor = await conn.execute(
        "SELECT fingerprint, status, body, pending_owner FROM idempotency_keys"
        " WHERE api_key_id = %s AND key = %s AND created_at > %s",
        (key.api_key_id, key.value, now - LIFETIME),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if bytes(row["fingerprint"]) != key.fingerprint:
        raise ApiError(409, "idempotency_key_conflict", "This Idempotency-Key was used with another request.")
    if await is_alive(conn, row["pending_owner"]):
        raise _in_progress()
    return StoredReply(row["status"], row["body"])


async def store(
    conn: Connection, key: Key, status: int, body: dict[str, Any], *, pending_owner: int | None, now: datetime
) -> None:
    """Store the response, in place of an expired one if there is one.

    Args:
        conn: The connection of the request's transaction.
        key: The key.
        status: The status of the response.
        body: The body of the response.
        pending_owner: The number of this process while it waits for the final response; None = this is the final one.
        now: The time of the request.
    """
    await conn.execute(
        "INSERT INTO idempotency_keys (api_key_id, key, fingerprint, status, body, pending_owner, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (api_key_id, key) DO UPDATE SET"
        " (fingerprint, status, body, pending_owner, created_at) = (excluded.fingerprint, excluded.status,"
        " excluded.body, excluded.pending_owner, excluded.created_at)",
        (key.api_key_id, key.value, key.fingerprint, status, Json(body), pending_owner, now),
    )


async def finalize(conn: Connection, key: Key, final: StoredReply | None) -> None:
    """End the wait of a pending response. `final` replaces it; None leaves it as it is."""
    status, body = (None, None) if final is None else (final.status, Json(final.body))
    await conn.execute(
        "UPDATE idempotency_keys SET status = coalesce(%s, status), body = coalesce(%s, body), pending_owner = NULL"
        " WHERE api_key_id = %s AND key = %s",
        (status, body, key.api_key_id, key.value),
    )


async def delete_expired(conn: Connection, now: datetime) -> None:
    """Delete what is older than 24 hours."""
    await conn.execute("DELETE FROM idempotency_keys WHERE created_at <= %s", (now - LIFETIME,))


def _in_progress() -> ApiError:
    return ApiError(409, "idempotency_key_in_progress", "A request with this Idempotency-Key is still in progress.")
