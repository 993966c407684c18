"""A key's controls beside its scopes: from where, and for how long unused (api-facts "Key controls", S38)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta


def read_network(text: str) -> str:
    """An address or a network, as it was given; raises ValueError where it is none."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("must be an IP address or a network such as 10.0.0.0/8") from None
    return text


def is_ip_allowed(address: str | None, networks: Sequence[str]) -> bool:
    """Whether a client's address is in one of the networks; none = any address."""
    if not networks:
        return True
    try:
        client = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    # A socket for both families shows 192.0.2.1 as ::ffff:192.0.2.1.
    mapped = client.ipv4_mapped if isinstance(client, ipaddress.IPv6Address) else None
    return any((mapped or client) in ipaddress.ip_network(network, strict=False) for network in networks)


def is_inactive(last_use: datetime, days: int | None, now: datetime) -> bool:
    """Whether a key was unused for longer than it may be. last_use: its creation where it never was used."""
    return days is not None and now - last_use > timedelta(days=days)
