"""Access to the console: it needs no key, so it is shown only to browsers on this machine, under this machine's names.

The Host header is checked because the name of another site can resolve to 127.0.0.1 (DNS rebinding): its page could
then read ours.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(:[0-9]{1,5})?")


def blocked_reason(client: str | None, headers: Mapping[str, str], bound: str) -> str | None:
    """Return why a request is refused, or None if it is not. `bound` is the host that the control plane listens on."""
    # A proxy on this machine has a loopback address, and its clients may be anywhere.
    if any(name in headers for name in _OF_PROXIES):
        return "The console is not shown through a proxy. Open it directly, or through a tunnel such as `ssh -L`."
    if client is None or not is_loopback_address(client):
        return "The console is shown to this machine only. Open it here, or through a tunnel such as `ssh -L`."
    if not _is_our_name(headers.get("host", ""), bound):
        return "The console is shown under the names localhost, 127.0.0.1 and [::1] only. Use one of these."
    return None


def is_loopback_address(address: str) -> bool:
    """Return whether an address is in 127.0.0.0/8 or is ::1. An IPv6 socket may show the former as ::ffff:127.0.0.1."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def _is_our_name(host: str, bound: str) -> bool:
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    bracketed = f"[{bound}]" if ":" in bound else bound
    return match["name"].lower() in {*_LOOPBACK_NAMES, bracketed.lower()}
