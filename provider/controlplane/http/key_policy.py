"""The limits of a key besides its scopes: client addresses, and time without use (api-facts "Key controls", S38)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta


def read_network(text: str) -> str:
    """Return an address or a network unchanged.

    Raises:
        ValueError: The text is neither.
    """
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("must be an IP address or a network such as 10.0.0.0/8") from None
    return text


def is_ip_allowed(address: str | None, networks: Sequence[str]) -> bool:
    """Return whether a client's address is in one of the networks. No networks = any address."""
    if not networks:
        return True
    try:
        client = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    # A socket for both address families shows 192.0.2.1 as ::ffff:192.0.2.1.
    mapped = client.ipv4_mapped if isinstance(client, ipaddress.IPv6Address) else None
    return any((mapped or client) in ipaddress.ip_network(network, strict=False) for network in networks)


def is_inactive(last_use: datetime, days: int | None, now: datetime) -> bool:
    """Return whether a key was unused for longer than it may be.

    Args:
        last_use: The key's last use, or its creation if it was never used.
        days: The longest time without use. None = no limit.
        now: The current time.
    """
    return days is not None and now - last_use > timedelta(days=days)
