"""The request body of operation 12, and which addresses and events it may name."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from controlplane.http.validation import Body
from controlplane.webhooks.address_policy import blocked_reason

EVENTS = ("database.provisioning_started", "database.provisioned", "database.deleted", "ping")

_LONGEST_URL = 2048
_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")  # RFC 3986's characters
_HOST = re.compile(r"[A-Za-z0-9._\-]{1,253}")


def is_loopback_host(host: str) -> bool:
    """Whether `host` (no brackets) names this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_url(url: str) -> str:
    """`url` as it is; raises ValueError. HTTPS, or plain HTTP to this machine (C20)."""
    if len(url) > _LONGEST_URL:
        raise ValueError(f"must be at most {_LONGEST_URL} characters")
    if not _URI.fullmatch(url):
        raise ValueError("must be a URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("must be a URL") from None
    # http only for loopback: api-facts C20 makes that exception so that a receiver can be tried out locally.
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback_host(host)):
        raise ValueError("must start with https://")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user name or password")
    if not _is_host(host) or port == 0:
        raise ValueError("must name a host")
    reason = _refusal(host)
    if reason is not None:
        raise ValueError(f"must not name that address: {reason}")
    return url


def _refusal(host: str) -> str | None:
    """For an address; what a name stands for is known when something is sent to it."""
    try:
        return blocked_reason(ipaddress.ip_address(host), loopback=True)
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    if ":" not in host:
        return bool(_HOST.fullmatch(host))
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _event_names(events: list[str]) -> list[str]:
    """Each once, in the order given (S30: unknown ones are refused)."""
    for event in events:
        if event not in EVENTS:
            raise ValueError(f"must be among {', '.join(EVENTS)}")
    return list(dict.fromkeys(events))


class CreateWebhookEndpoint(Body):
    """Operation 12. events: empty or omitted = all."""

    url: Annotated[str, AfterValidator(check_url)]
    events: Annotated[list[str], AfterValidator(_event_names)] = Field(default_factory=list)
