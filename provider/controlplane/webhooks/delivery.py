"""Retry schedule, secrets and signatures of deliveries (api-facts "Webhooks", the proposal). Pure."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

# Between the end of one attempt and the next.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 120, 600))


def next_attempt(event: str, attempts: int, now: datetime) -> datetime | None:
    """Return the time of the next attempt after `attempts` failed attempts, or None to give up.

    A ping is not retried: its result is the response to the call that sent it.
    """
    if event == "ping" or attempts > len(PAUSES):
        return None
    return now + PAUSES[attempts - 1]


def new_secret() -> str:
    """Return a new secret: `whsec_` and 256 random bits in hexadecimal."""
    return f"whsec_{secrets.token_hex(32)}"


def sign(secret: str, body: bytes) -> str:
    """Return the signature: `sha256=` and the hexadecimal HMAC-SHA256 of the raw body.

    The key is the whole secret, `whsec_` included.
    """
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Return whether the signature matches the body. The comparison takes constant time."""
    return hmac.compare_digest(sign(secret, body).encode(), signature.encode())
