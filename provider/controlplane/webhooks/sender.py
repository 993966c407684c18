"""One attempt to deliver: a POST, judged by the status of the response."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.http import client
from controlplane.webhooks.address_policy import BlockedAddressError, resolve

SECONDS = 10.0  # for one attempt, name lookup and connecting included
_log = logging.getLogger("controlplane.webhooks")


@dataclass(frozen=True)
class DeliveryResult:
    """response_code: None if there was no answer. error_message: None if it was delivered."""

    response_code: int | None
    error_message: str | None

    @property
    def is_success(self) -> bool:
        """Any 2xx; a redirect is not followed."""
        return self.error_message is None


async def post(
    url: str, headers: Sequence[tuple[str, str]], body: bytes, *, loopback: bool, seconds: float = SECONDS
) -> DeliveryResult:
    """Send `body` once and return how that ended. Never raises, except for cancellation.

    Args:
        url: Where to.
        headers: Beside those of HTTP itself.
        body: The bytes that the signature in the headers is for.
        loopback: Whether addresses of this machine are allowed.
        seconds: The limit of the attempt.
    """
    lookup = functools.partial(resolve, loopback=loopback)
    try:
        response = await client.post(url, headers, body, server="endpoint", seconds=seconds, resolve=lookup)
    except (BlockedAddressError, client.HttpError) as error:
        return DeliveryResult(None, str(error))
    except Exception:
        _log.exception("a delivery attempt failed unexpectedly")
        return DeliveryResult(None, "The delivery failed for an internal reason.")
    return result_of_status(response.status)


def result_of_status(status: int) -> DeliveryResult:
    """What a status means."""
    return DeliveryResult(status, None if 200 <= status < 300 else f"The endpoint answered with status {status}.")
