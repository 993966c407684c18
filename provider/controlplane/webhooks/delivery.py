"""When to try again (api-facts "Webhooks", the proposal)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

# Between the end of one attempt and the next.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 120, 600))


def next_attempt(event: str, attempts: int, now: datetime) -> datetime | None:
    """When to try again after `attempts` failed ones; None = give up.

    A ping answers whoever asks now, so it is not repeated.
    """
    if event == "ping" or attempts > len(PAUSES):
        return None
    return now + PAUSES[attempts - 1]


def new_secret() -> str:
    """`whsec_` and 256 random bits."""
    return f"whsec_{secrets.token_hex(32)}"


def sign(secret: str, body: bytes) -> str:
    """`sha256=` + hex HMAC-SHA256 of the raw body, keyed with the whole secret, `whsec_` included."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether the signature is the one of this body; compared in constant time."""
    return hmac.compare_digest(sign(secret, body).encode(), signature.encode())
