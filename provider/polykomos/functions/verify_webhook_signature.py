"""The function `verify_webhook_signature`."""

from __future__ import annotations

import hashlib
import hmac

from pydantic import Field

from resourcekit.fields import Arguments
from resourcekit.resource import ProviderFunction


class SignatureArgs(Arguments):
    """The delivery as received, and the endpoint's secret."""

    secret: str = Field(description="The endpoint's secret, `whsec_` included.")
    body: str = Field(description="The body as received, byte for byte.")
    signature: str = Field(description="The header `X-Polykomos-Signature`: `sha256=` and 64 hexadecimal digits.")


class VerifyWebhookSignature(ProviderFunction[SignatureArgs]):
    """Check whether a delivery was signed with an endpoint's secret (HMAC-SHA256 of the raw body)."""

    name = "verify_webhook_signature"
    result = bool

    def call(self, args: SignatureArgs) -> bool:
        """Return whether the signature is valid."""
        digest = hmac.new(args.secret.encode(), args.body.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"sha256={digest}".encode(), args.signature.encode())
