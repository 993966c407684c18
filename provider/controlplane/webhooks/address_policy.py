"""Where a delivery may go: not to what only this machine or its cloud should reach."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Link-local holds most clouds' metadata services; these are the ones elsewhere (of Alibaba, Oracle, Azure, AWS twice,
# Google).
_METADATA: Final = frozenset(
    map(
        ipaddress.ip_address,
        ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
    )
)
# "This network" (Linux takes its zero for loopback), and what local translators make of IPv4 (RFC 8215).
_NOBODYS: Final = (ipaddress.IPv4Network("0.0.0.0/8"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class BlockedAddressError(Exception):
    """A host is, or has, an address that nothing is sent to."""


def blocked_reason(address: Address, *, loopback: bool) -> str | None:
    """Why nothing is sent to an address; None where it may be. loopback: whether this machine is allowed."""
    address = _inner(address)
    if address.is_loopback:
        return None if loopback else "it is this machine's own"
    if address.is_link_local or address in _METADATA or (address.version == 6 and address.is_site_local):
        return "it is link-local or a metadata service's"
    if address.is_multicast or address.is_unspecified or address.is_reserved or any(address in net for net in _NOBODYS):
        return "it is no single machine's"
    return None


def _inner(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only stands for it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo and teredo[1]) or address


async def resolve(host: str, port: int, *, loopback: bool) -> list[str]:
    """The addresses to try: looked up once, so that a name cannot mean other ones when it is connected to.

    Raises AddressRefused if any of the host's addresses is refused, OSError if it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]).partition("%")[0] for each in found]
    for address in addresses:
        reason = blocked_reason(ipaddress.ip_address(address), loopback=loopback)
        if reason is not None:
            raise BlockedAddressError(f"Nothing is sent to the endpoint's address: {reason}.")
    return list(dict.fromkeys(addresses))
