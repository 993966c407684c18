"""One delivery attempt: a POST whose result depends on the status of the response."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.http import client
from controlplane.webhooks.address_policy import BlockedAddressError, resolve

SECONDS = 10.0  # limit of one attempt, including name lookup and connecting
_log = logging.getLogger("controlplane.webhooks")


@dataclass(frozen=True)
class DeliveryResult:
    """How an attempt ended."""

    response_code: int | None  # None: no response
    error_message: str | None  # None: delivered

    @property
    def is_success(self) -> bool:
        """Return whether the status was 2xx. Redirects are not followed."""
        return self.error_message is None


async def post(
    url: str, headers: Sequence[tuple[str, str]], body: bytes, *, loopback: bool, seconds: float = SECONDS
) -> DeliveryResult:
    """Send `body` once and return the result. Errors become results, so that only cancellation raises.

    Args:
        url: The endpoint's URL.
        headers: Headers in addition to those of HTTP itself.
        body: The bytes that the signature in the headers belongs to.
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
        return DeliveryResult(None, "The delivery failed because of an internal error.")
    return result_of_status(response.status)


def result_of_status(status: int) -> DeliveryResult:
    """Return the result of an attempt whose response has this status."""
    return DeliveryResult(status, None if 200 <= status < 300 else f"The endpoint answered with status {status}.")
