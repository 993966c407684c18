"""The signature of a delivery (api-facts "Webhooks")."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """`whsec_` and 256 random bits."""
    return f"whsec_{secrets.token_hex(32)}"


def sign(secret: str, body: bytes) -> str:
    """`sha256=` + hex HMAC-SHA256 of the raw body, keyed with the whole secret, `whsec_` included."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether the signature is the one of this body; compared in constant time."""
    return hmac.compare_digest(sign(secret, body).encode(), signature.encode())
