"""Arguments and state of a `WebhookEndpoint`. The API has no update: a change replaces the endpoint."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from resourcekit.fields import (
    Arguments,
    Computed,
    RequiresReplace,
    Result,
    Secret,
    SemanticEquality,
    Stable,
    Unordered,
    Validator,
)

_LONGEST_URL: Final = 2048
_URI: Final = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")  # RFC 3986's characters
_HOST: Final = re.compile(r"[A-Za-z0-9._\-]{1,253}")
EVENTS = ("database.provisioning_started", "database.provisioned", "database.deleted")


def check_url(url: str) -> str:
    """Return the URL unchanged if the API accepts it (api-facts C20 and the reference control plane's rule).

    Raises:
        ValueError: The API would reject it; the message names the rule and never shows a password.
    """
    if len(url) > _LONGEST_URL:
        raise ValueError(f"must have at most {_LONGEST_URL} characters")
    if not url.isascii():
        raise ValueError("must be ASCII: write a host with other letters in its `xn--` form, and %-encode the rest")
    if not _URI.fullmatch(url):
        raise ValueError("must be a URL: spaces and other characters that a URL cannot contain must be %-encoded")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("must be a URL with a valid host, and a port from 1 to 65535 if any") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ValueError("must be an https:// URL (http:// is allowed for this machine only)")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user name or a password: the endpoint's `secret` signs the requests")
    address = _address(host)
    if port == 0 or (address is None and not _HOST.fullmatch(host)):
        raise ValueError("must name a host")
    if address is not None and (address.is_link_local or address.is_multicast or address.is_unspecified):
        raise ValueError("must not name a link-local, multicast or unspecified address")
    return url


def _is_loopback(host: str) -> bool:
    """Return whether a host is `localhost`, 127.0.0.0/8 or ::1: the API's rule, narrower than that of the base URL."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def normalize_events(events: list[str]) -> list[str]:
    """Return a list of events in canonical form: sorted, and empty if it contains all events.

    `ping` is sent by the test call only, so it adds nothing to a list of all events (api-facts, Webhooks).
    """
    named = set(events)
    return [] if named >= set(EVENTS) else sorted(named)


class WebhookEndpointArgs(Arguments):
    """The arguments of a webhook endpoint."""

    url: Annotated[str, RequiresReplace(), AfterValidator(check_url)] = Field(
        description="HTTPS URL that receives the events, without user name and password."
    )
    events: Annotated[
        list[str] | None,
        RequiresReplace(),
        Unordered(),
        SemanticEquality(normalize_events),
        Validator(
            lambda events: set(events) <= {*EVENTS, "ping"},
            f"must be among {', '.join(EVENTS)}; omit it for all events",
        ),
    ] = Field(
        None,
        description=f"Events to send: {', '.join(f'`{event}`' for event in EVENTS)}. If omitted, all events are sent, "
        "as if all were named.",
    )


class WebhookEndpointState(WebhookEndpointArgs, Result):
    """A webhook endpoint as the API reports it."""

    status: Annotated[str | None, Computed()] = Field(None, description="`active` or `revoked`.")
    secret: Annotated[str | None, Computed(), Stable(), Secret()] = Field(
        None,
        description="Secret that signs deliveries (`whsec_…`). Returned once, at creation: null after import.",
    )
    created_at: Annotated[str | None, Computed(), Stable()] = Field(None, description="When it was created (RFC 3339).")
