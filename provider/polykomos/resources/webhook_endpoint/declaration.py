"""What a webhook endpoint is made of. The API has no update: a change makes a new endpoint, then revokes the old."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from resourcekit.declaration import Arguments, Computed, Replaces, Result, Rule, Secret, Stable, Unordered

EVENTS = ("database.provisioning_started", "database.provisioned", "database.deleted")


def _is_deliverable(url: str) -> bool:
    """HTTPS, or plain HTTP to this machine (the API's rule, api-facts C20)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.scheme not in ("https", "http"):
        return False
    return parts.scheme == "https" or host == "localhost" or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class WebhookEndpointArgs(Arguments):
    """The arguments of a webhook endpoint."""

    url: Annotated[
        str, Replaces(), Rule(_is_deliverable, "must be an https:// URL (http:// is allowed to this machine only)")
    ] = Field(description="HTTPS URL that receives the events.")
    events: Annotated[
        list[str] | None,
        Replaces(),
        Unordered(),
        Rule(
            lambda events: set(events) <= {*EVENTS, "ping"},
            f"must be among {', '.join(EVENTS)}; leave it out for all events",
        ),
    ] = Field(None, description=f"Events to send: {', '.join(f'`{event}`' for event in EVENTS)}. All when left out.")


class WebhookEndpointState(WebhookEndpointArgs, Result):
    """A webhook endpoint as the API reports it."""

    status: Annotated[str | None, Computed()] = Field(None, description="`active` or `revoked`.")
    secret: Annotated[str | None, Computed(), Stable(), Secret()] = Field(
        None,
        description="Secret that signs deliveries (`whsec_…`). The API shows it once, at creation: null after import.",
    )
    created_at: Annotated[str | None, Computed(), Stable()] = Field(None, description="When it was created.")
