"""Request body of operation 12, and the URLs and events that it may name."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from controlplane.http.validation import Body
from controlplane.webhooks.address_policy import Address, blocked_reason

EVENTS = ("database.provisioning_started", "database.provisioned", "database.deleted", "ping")

_LONGEST_URL = 2048
_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")  # RFC 3986's characters
_HOST = re.compile(r"[A-Za-z0-9._\-]{1,253}")


def is_loopback_host(host: str) -> bool:
    """Return whether `host` (no brackets) names this machine: `localhost`, 127.0.0.0/8 or ::1."""
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def check_url(url: str) -> str:
    """Return the URL if it is valid: HTTPS, or plain HTTP to this machine (api-facts C20).

    Raises:
        ValueError: The URL is not valid. The message says why.
    """
    if len(url) > _LONGEST_URL:
        raise ValueError(f"must be at most {_LONGEST_URL} characters")
    if not _URI.fullmatch(url):
        raise ValueError("must be a URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("must be a URL") from None
    # api-facts C20 allows plain HTTP to loopback, so that a receiver can be tried locally.
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback_host(host)):
        raise ValueError("must start with https://")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user name or password")
    if not _is_host(host) or port == 0:
        raise ValueError("must name a host")
    # A name is looked up, and checked, only when a delivery is sent.
    address = _address(host)
    reason = None if address is None else blocked_reason(address, loopback=True)
    if reason is not None:
        raise ValueError(f"must not name that address: {reason}")
    return url


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    return _address(host) is not None if ":" in host else bool(_HOST.fullmatch(host))


def _event_names(events: list[str]) -> list[str]:
    """Return the events without duplicates, in the order of the request. Reject unknown ones (api-facts S30)."""
    for event in events:
        if event not in EVENTS:
            raise ValueError(f"must be one of {', '.join(EVENTS)}")
    return list(dict.fromkeys(events))


class CreateWebhookEndpoint(Body):
    """The request of operation 12. No events, or an empty list, means all events."""

    url: Annotated[str, AfterValidator(check_url)]
    events: Annotated[list[str], AfterValidator(_event_names)] = Field(default_factory=list)
