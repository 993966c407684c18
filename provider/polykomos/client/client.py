"""The client: every operation of the API as a method, over one connection pool."""

from __future__ import annotations

import platform
import ssl
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from polykomos.client.account import AccountCalls
from polykomos.client.budget import Budget
from polykomos.client.deferred import deferred
from polykomos.client.errors import ConfigurationError
from polykomos.client.exchange import Exchange
from polykomos.client.reading.calls import ReadCalls
from polykomos.client.reading.snapshot import Snapshots
from polykomos.client.secrets import MASK
from polykomos.client.shared import record_of
from polykomos.client.transport import Bounds, Transport
from polykomos.version import VERSION

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

# Connections are kept a little longer than the longest pause between two reads of a wait.
_KEEPALIVE_SECONDS: Final = 60
READ_SNAPSHOT_SECONDS: Final = 10.0


class Client(ReadCalls, AccountCalls):
    """A client of the Polykomos API, to be shared by threads.

    base_url: with `/api/v1`. ca_bundle: a PEM file of certificates to trust instead of the system's (SSL_CERT_FILE is
    honoured without it); proxies come from HTTPS_PROXY, HTTP_PROXY and NO_PROXY. user_agent_suffix: who uses it.
    read_snapshot_seconds: how old the answer of a `read_` method may be, None = READ_SNAPSHOT_SECONDS; 0 = it is always
    asked for anew.
    Raises ConfigurationError for settings that cannot work. Every method may raise the errors of `errors`.
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
        self._base_url = _base_url(base_url)
        if not api_key.isascii() or not api_key.isprintable() or " " in api_key.strip() or not api_key.strip():
            raise ConfigurationError("the API key (POLYKOMOS_API_KEY) holds characters that no key has")
        trust = _trust(ca_bundle, encrypted=self._base_url.startswith("https:"))
        try:
            http = httpx.Client(
                base_url=self._base_url,
                headers={
                    "Authorization": f"Bearer {api_key.strip()}",
                    "Accept": "application/json",
                    "User-Agent": _user_agent(user_agent_suffix),
                },
                http2=False,
                limits=httpx.Limits(
                    max_connections=100, max_keepalive_connections=32, keepalive_expiry=_KEEPALIVE_SECONDS
                ),
                verify=trust,
                follow_redirects=False,
            )
        except (ValueError, ImportError, httpx.InvalidURL):
            # A proxy's URL may hold a password, and httpx's words for it may too.
            raise ConfigurationError(
                "the proxy (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY) must be an http(s) URL, such as http://proxy:3128"
            ) from None
        snapshots = Snapshots(READ_SNAPSHOT_SECONDS if read_snapshot_seconds is None else read_snapshot_seconds)
        budget = Budget(record_of(self._base_url, api_key.strip()))
        super().__init__(Transport(Exchange(http, api_key.strip()), snapshots, budget=budget))

    def within(self, bounds: Bounds) -> Client:
        """The same client, sharing its connections, with bounds on how long calls go on retrying."""
        bound = object.__new__(Client)
        bound._base_url = self._base_url
        bound._transport = self._transport.within(bounds)
        return bound

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


def _base_url(text: str) -> str:
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        # Both raise for a host or port that no connection could be made to.
        (parts.hostname or "").encode("idna")
        httpx.URL(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path.endswith("/api/v1")
        usable = usable and parts.port != 0 and not any(map(str.isspace, url))
        usable = usable and not (parts.username or parts.password or parts.query or parts.fragment)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise ConfigurationError(
            "the base URL (POLYKOMOS_BASE_URL) must be an http(s) URL that ends in /api/v1, without user or query, "
            "such as https://polykomos.com/api/v1"
        )
    return url


def _trust(ca_bundle: str | Path | None, *, encrypted: bool) -> ssl.SSLContext:
    """One context for all connections: making one costs as much as twenty calls. Where nothing will be encrypted, it
    trusts nobody.
    """
    try:
        if ca_bundle is None and not encrypted:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if ca_bundle is None:
            return httpx.create_ssl_context()
        return ssl.create_default_context(cafile=str(ca_bundle))
    except (OSError, ssl.SSLError) as error:
        which = ca_bundle or "of SSL_CERT_FILE or SSL_CERT_DIR"
        raise ConfigurationError(f"the CA bundle {which} cannot be read: {error}") from None


def _user_agent(suffix: str) -> str:
    return f"polykomos-provider/{VERSION} python/{platform.python_version()} {suffix}".strip()
