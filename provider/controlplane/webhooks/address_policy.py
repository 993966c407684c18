"""Policy for delivery addresses: none that only this machine or its cloud should reach."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Most clouds have their metadata service at a link-local address. These are the exceptions (Alibaba, Oracle, Azure, AWS
# twice, Google).
_METADATA: Final = frozenset(
    map(
        ipaddress.ip_address,
        ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
    )
)
# "This network" (Linux treats 0.0.0.0 as loopback), and the local-use prefix of IPv4/IPv6 translators (RFC 8215).
_NOT_GLOBAL: Final = (ipaddress.IPv4Network("0.0.0.0/8"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class BlockedAddressError(Exception):
    """A host is, or has, an address that no delivery may go to."""


def blocked_reason(address: Address, *, loopback: bool) -> str | None:
    """Return why no delivery may go to an address, or None if one may. `loopback` allows addresses of this machine."""
    address = _inner(address)
    if address.is_loopback:
        return None if loopback else "it belongs to this machine"
    if address.is_link_local or address in _METADATA or (address.version == 6 and address.is_site_local):
        return "it is link-local or belongs to a metadata service"
    if (
        address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or any(address in net for net in _NOT_GLOBAL)
    ):
        return "it does not belong to a single host"
    return None


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address embeds, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo and teredo[1]) or address


async def resolve(host: str, port: int, *, loopback: bool) -> list[str]:
    """Look a host up once and return its addresses.

    The caller connects to one of these addresses, so the name cannot resolve to another address in between. `loopback`
    allows addresses of this machine.

    Raises:
        BlockedAddressError: One of the host's addresses is not allowed.
        OSError: The host has no address.
    """
    entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(sockaddr[0]).partition("%")[0] for *_, sockaddr in entries]
    for address in addresses:
        reason = blocked_reason(ipaddress.ip_address(address), loopback=loopback)
        if reason is not None:
            raise BlockedAddressError(f"Nothing is sent to the endpoint's address: {reason}.")
    return list(dict.fromkeys(addresses))
