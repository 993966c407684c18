"""The proxy that the environment names for a URL. Pure functions of its variables.

Each entry of NO_PROXY counts by itself. An invalid entry is ignored, and reported by name.
"""

from __future__ import annotations

import ipaddress
import os
import re
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from resourcekit.http.setting_values import is_loopback

_PORTS: Final = {"http": 80, "https": 443}
_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_ENTRY: Final = re.compile(r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<plain>[^:\[\]]+))(?::(?P<port>\d{1,5}))?")
_NAME: Final = re.compile(r"(?:\*?\.)?\w[\w.-]*")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Route:
    """How a URL is reached.

    Attributes:
        proxy: The proxy's URL, which may contain a password; empty for a direct connection.
        source: The variable that names the proxy; empty without a proxy.
        reason: Why the connection is direct; empty with a proxy.
        passed_over: The invalid entries of NO_PROXY.
        exceptions: The variable that contains these entries.
    """

    proxy: str = ""
    source: str = ""
    reason: str = ""
    passed_over: tuple[str, ...] = ()
    exceptions: str = "NO_PROXY"

    @property
    def shown(self) -> str:
        """The proxy without user name and password."""
        parts = urlsplit(self.proxy)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if self.proxy else ""


def environment_route(url: str) -> Route:
    """Return the route to a URL by the environment, or by the system's settings if it names no proxy."""
    return route(url, urllib.request.getproxies(), os.environ)


def route(url: str, proxies: Mapping[str, str], environ: Mapping[str, str]) -> Route:
    """Return the route to a URL. Pure.

    Args:
        url: An http(s) URL that names a host.
        proxies: Proxies by scheme, as `urllib.request.getproxies` returns them; `no` contains the exceptions.
        environ: The environment, for the names of the variables.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    exceptions = _variable("no", environ)
    entries = [each for each in re.split(r"[,\s]+", proxies.get("no", "")) if each]
    passed_over = tuple(each for each in entries if not _is_readable(each))
    name = next((name for name in (parts.scheme, "all") if proxies.get(name, "").strip()), None)

    def direct(reason: str) -> Route:
        return Route(reason=reason, passed_over=passed_over, exceptions=exceptions)

    if is_loopback(host):
        return direct("it is this machine")
    if name is None:
        return direct("no proxy is set")
    covering = next((each for each in entries if _covers(each, parts.scheme, host, port)), None)
    if covering is not None:
        return direct(f"{exceptions} has the entry {covering}")
    proxy = proxies[name].strip()
    return Route(
        proxy=proxy if "://" in proxy else f"http://{proxy}",
        source=_variable(name, environ),
        passed_over=passed_over,
        exceptions=exceptions,
    )


def proxy_fault(proxy: str) -> str:
    """Return why a proxy's URL is invalid, without showing any of it; empty if it is valid."""
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(each.isspace() or not each.isprintable() for each in proxy):
        return "it must be an http(s) URL, such as http://proxy:3128"
    return ""


def _variable(name: str, environ: Mapping[str, str]) -> str:
    """Return the variable that applies: the lower-case one if both are set."""
    for variable in (f"{name}_proxy", f"{name.upper()}_PROXY"):
        if environ.get(variable):
            return variable
    return next((each for each in environ if each.lower() == f"{name}_proxy"), f"{name.upper()}_PROXY")


def _is_readable(entry: str) -> bool:
    return entry == "*" or next(_parsed(entry), None) is not None


def _covers(entry: str, scheme: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    return any(
        only in ("", scheme) and at in (None, port) and _names(pattern, host) for only, pattern, at in _parsed(entry)
    )


def _parsed(entry: str) -> Iterator[tuple[str, str, int | None]]:
    """Yield the scheme (empty for any), host pattern and port (None for any) of an entry; nothing if it is invalid."""
    scheme, separator, rest = entry.rpartition("://")
    if separator and scheme.lower() not in ("http", "https", "all"):
        return
    only = "" if scheme.lower() == "all" else scheme.lower()
    rest = rest.rstrip("/") if separator else rest
    if _network(rest) is not None:
        yield only, rest, None
        return
    match = _ENTRY.fullmatch(rest)
    if match is None or int(match["port"] or 1) not in range(1, 65536):
        return
    pattern = match["bracketed"] or match["plain"]
    if match["bracketed"] and _network(pattern) is None:
        return
    if not match["bracketed"] and _network(pattern) is None and ("/" in pattern or not _NAME.fullmatch(pattern)):
        return
    yield only, pattern, int(match["port"]) if match["port"] else None


def _names(pattern: str, host: str) -> bool:
    """Return whether a name, an address or a network covers a host."""
    network, address = _network(pattern), _address(host)
    if network is not None:
        return address is not None and _contains(network, address)
    if address is not None:
        return False
    name, suffix = _ascii(host), _ascii(pattern.removeprefix("*"))
    if suffix.startswith("."):
        return name.endswith(suffix)
    return name == suffix or name.endswith(f".{suffix}")


def _contains(network: ipaddress.IPv4Network | ipaddress.IPv6Network | Address, address: Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    plain = type(address)(int(address))  # without its zone
    if isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return plain in network or (mapped is not None and mapped in network)
    zone = getattr(network, "scope_id", None)
    if zone and zone != getattr(address, "scope_id", None):
        return False
    return type(network)(int(network)) in (plain, mapped)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | Address | None:
    """Return a network or a single address, or None for a name."""
    address = _address(text)
    if address is not None:
        return address
    inner, separator, length = text.partition("/")
    try:
        return ipaddress.ip_network(f"{inner.strip('[]')}/{length}", strict=False) if separator else None
    except ValueError:
        return None


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.replace("%25", "%", 1))
    except ValueError:
        return None


def _ascii(name: str) -> str:
    """Return a name as DNS compares it."""
    lowered = name.lower().rstrip(".")
    try:
        return lowered.encode("idna").decode() if not lowered.isascii() else lowered
    except ValueError:
        return lowered
