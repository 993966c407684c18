"""The client: every operation of the API as a method, over one connection pool."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from polykomos.client._lazy import lazy_import
from polykomos.client.account import AccountApi
from polykomos.client.cached_reads import CachedReads
from polykomos.client.errors import ConfigurationError
from polykomos.client.http import HttpSender
from polykomos.client.list_cache.cache import ListCaches
from polykomos.client.proxy import Route, environment_route, proxy_fault
from polykomos.client.rate_limit.limiter import RateLimiter
from polykomos.client.rate_limit.shared_usage import open_usage
from polykomos.client.secrets import MASK
from polykomos.client.setting_values import normalize_api_key, normalize_base_url
from polykomos.client.transport import RequestOptions, Transport
from polykomos.version import VERSION

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

# Connections stay open a little longer than the longest pause between two reads of a wait.
_KEEPALIVE_SECONDS: Final = 60
READ_SNAPSHOT_SECONDS: Final = 10.0
_CERTIFICATE_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_HASH_NAME: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")


class Client(CachedReads, AccountApi):
    """A client of the Polykomos API; safe for use by many threads.

    Proxies come from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY. Addresses of this machine are always reached
    directly (`route`). Every method may raise the errors of `polykomos.client.errors`.

    Args:
        base_url: The API's URL, with `/api/v1`.
        api_key: The API key.
        ca_bundle: A PEM file of certificates to trust instead of the system's. Without it, SSL_CERT_FILE and
            SSL_CERT_DIR apply; certifi's certificates are trusted if the system has none.
        user_agent_suffix: The program that uses the client.
        read_snapshot_seconds: The maximum age of a result of a `read_` method. None is READ_SNAPSHOT_SECONDS; 0 reads
            each object by itself.

    Raises:
        ConfigurationError: A setting is invalid.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        ca_bundle: str | Path | None = None,
        user_agent_suffix: str = "",
        read_snapshot_seconds: float | None = None,
    ) -> None:
        self._base_url = _setting("base URL (`base_url`, POLYKOMOS_BASE_URL)", normalize_base_url, base_url)
        key = _setting("API key (`api_key`, POLYKOMOS_API_KEY)", normalize_api_key, api_key)
        self.route = environment_route(self._base_url)
        transport = _transport(self.route, ca_bundle, encrypted=self._base_url.startswith("https:"))
        try:
            http = httpx.Client(
                base_url=self._base_url,
                headers={
                    "Authorization": f"Bearer {key}",
                    "Accept": "application/json",
                    "User-Agent": _user_agent(user_agent_suffix),
                },
                transport=transport,
                trust_env=False,
                follow_redirects=False,
            )
        except httpx.InvalidURL:
            raise ConfigurationError("the base URL (`base_url`, POLYKOMOS_BASE_URL) is not a valid URL") from None
        list_caches = ListCaches(READ_SNAPSHOT_SECONDS if read_snapshot_seconds is None else read_snapshot_seconds)
        super().__init__(
            Transport(HttpSender(http, key), list_caches, limiter=RateLimiter(open_usage(self._base_url, key)))
        )

    def with_options(self, options: RequestOptions) -> Client:
        """Return a client over the same connections with other limits of its calls."""
        client = object.__new__(Client)
        client._base_url, client.route = self._base_url, self.route
        client._transport = self._transport.with_options(options)
        return client

    def name_key(self, source: str) -> None:
        """Set where the API key comes from (`ApiError.key_source`), such as "POLYKOMOS_API_KEY"; never its value."""
        self._transport.name_key(source)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __repr__(self) -> str:
        return f"Client(base_url={self._base_url!r}, api_key={MASK!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _setting(name: str, normalize: Callable[[str], str], value: str) -> str:
    try:
        return normalize(value)
    except ValueError as error:
        raise ConfigurationError(f"the {name} {error}") from None


def _transport(route: Route, ca_bundle: str | Path | None, *, encrypted: bool) -> httpx.HTTPTransport:
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=32, keepalive_expiry=_KEEPALIVE_SECONDS)
    trust = _trust(ca_bundle, encrypted=encrypted or route.proxy.startswith("https:"))
    if not route.proxy:
        return httpx.HTTPTransport(verify=trust, limits=limits)
    # A proxy's URL may contain a password, and so may httpx's message about it.
    fault = proxy_fault(route.proxy)
    if fault:
        raise ConfigurationError(f"the proxy of {route.source} cannot be used: {fault}")
    try:
        of_proxy = trust if route.proxy.startswith("https:") else None
        return httpx.HTTPTransport(verify=trust, limits=limits, proxy=httpx.Proxy(route.proxy, ssl_context=of_proxy))
    except ImportError:
        raise ConfigurationError(
            f"the proxy of {route.source} cannot be used: a SOCKS proxy needs the package `httpx[socks]`"
        ) from None
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError(f"the proxy of {route.source} cannot be used: its URL cannot be read") from None


def _trust(ca_bundle: str | Path | None, *, encrypted: bool) -> ssl.SSLContext:
    """Return one TLS context for all connections: creating one takes as long as twenty calls.

    It trusts the given bundle, else the certificates that the environment names, else the system's. If the system has
    none (a minimal container, Python from python.org on macOS), it trusts certifi's. Without TLS it trusts none.

    Raises:
        ConfigurationError: A file cannot be read; the message names the setting that contains its path.
    """
    if ca_bundle is None and not encrypted:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    source, path = ("`ca_bundle`", str(ca_bundle)) if ca_bundle is not None else _certificates_of_environment()
    try:
        if ca_bundle is not None:
            return ssl.create_default_context(cafile=path)
        if any(os.environ.get(name) for name in _CERTIFICATE_VARIABLES):
            return httpx.create_ssl_context()
        return _system_trust() or httpx.create_ssl_context()
    except (OSError, ssl.SSLError) as error:
        # Python also opens this file for every context, so the error may not concern the certificates.
        log_file = os.environ.get("SSLKEYLOGFILE")
        if log_file and isinstance(error, OSError) and error.filename == log_file:
            raise ConfigurationError(f"the file of SSLKEYLOGFILE, {log_file}, cannot be written: {error}") from None
        raise ConfigurationError(f"the CA bundle of {source}, {path}, cannot be read: {error}") from None


def _certificates_of_environment() -> tuple[str, str]:
    """Return the variable that names the certificates, as httpx chooses it, and its value."""
    for name in _CERTIFICATE_VARIABLES:
        if os.environ.get(name):
            return name, os.environ[name]
    return "the system", ssl.get_default_verify_paths().openssl_cafile


def _system_trust() -> ssl.SSLContext | None:
    """Return a context that trusts the system's certificates, or None if the system has none."""
    context = ssl.create_default_context()
    # OpenSSL reads the directory on demand: its files are named by the certificates' hashes.
    directory = ssl.get_default_verify_paths().capath
    with contextlib.suppress(OSError):
        if directory and any(_HASH_NAME.fullmatch(name) for name in os.listdir(directory)):  # noqa: PTH208 - faster
            return context
    return context if context.cert_store_stats()["x509_ca"] else None


def _user_agent(suffix: str) -> str:
    # A header contains printable ASCII only.
    printable = "".join(char for char in suffix if char.isascii() and char.isprintable())
    return f"polykomos-provider/{VERSION} python/{platform.python_version()} {printable}".strip()
