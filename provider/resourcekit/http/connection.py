"""Connections to an API: proxies, certificates, and parameters that no log may contain."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resourcekit.http.errors import ConfigurationError
from resourcekit.http.lazy_import import lazy_import
from resourcekit.http.proxy import Route, proxy_fault
from resourcekit.http.sender import EXTENSION

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

# Connections stay open a little longer than the longest pause between two reads of a wait.
_KEEPALIVE_SECONDS: Final = 60
_CERTIFICATE_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_HASH_NAME: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")


@functools.cache
def _transport_class() -> type[httpx.HTTPTransport]:
    """Return the class of connections, defined when httpx is needed."""

    class Transport(httpx.HTTPTransport):
        """Adds the secret parameters of a request to its URL after httpx's client has taken the URL for its log."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            """Send a request."""
            secret = request.extensions.get(EXTENSION)
            if secret:
                url = request.url.copy_merge_params(secret)
                request = httpx.Request(
                    request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
                )
            return super().handle_request(request)

    return Transport


def open_transport(route: Route, ca_bundle: str | Path | None, *, encrypted: bool) -> httpx.HTTPTransport:
    """Return the connections to an API.

    Args:
        route: How it is reached.
        ca_bundle: A PEM file of certificates to trust; None for the environment's or the system's.
        encrypted: Whether the base URL is https.

    Raises:
        ConfigurationError: The proxy or the certificates cannot be used.
    """
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=32, keepalive_expiry=_KEEPALIVE_SECONDS)
    trust = _trust(ca_bundle, encrypted=encrypted or route.proxy.startswith("https:"))
    if not route.proxy:
        return _transport_class()(verify=trust, limits=limits)
    # A proxy's URL may contain a password, and so may httpx's message about it.
    fault = proxy_fault(route.proxy)
    if fault:
        raise ConfigurationError(f"the proxy of {route.source} cannot be used: {fault}")
    try:
        of_proxy = trust if route.proxy.startswith("https:") else None
        return _transport_class()(verify=trust, limits=limits, proxy=httpx.Proxy(route.proxy, ssl_context=of_proxy))
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
