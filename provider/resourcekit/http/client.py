"""The base of clients: one connection pool, and the settings that all clients have."""

from __future__ import annotations

import copy
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from resourcekit.http.api import Api
from resourcekit.http.connection import open_transport
from resourcekit.http.credentials import Credentials
from resourcekit.http.errors import ConfigurationError
from resourcekit.http.lazy_import import lazy_import
from resourcekit.http.list_cache.cache import ListCaches
from resourcekit.http.proxy import environment_route
from resourcekit.http.rate_limit.limiter import RateLimiter
from resourcekit.http.rate_limit.shared_usage import open_usage
from resourcekit.http.secrets import MASK
from resourcekit.http.sender import HttpSender
from resourcekit.http.transport import RequestOptions, Transport

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

READ_SNAPSHOT_SECONDS: Final = 10.0


class HttpClient:
    """A client of one API; safe for use by many threads. Subclasses have a method for each call.

    Proxies come from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY. Addresses of this machine are always reached
    directly (`route`). Every method may raise the errors of `resourcekit.http.errors`.

    Args:
        api: The API.
        base_url: Its URL in normal form.
        credentials: The Authorization of the calls.
        ca_bundle: A PEM file of certificates to trust instead of the system's. Without it, SSL_CERT_FILE and
            SSL_CERT_DIR apply; certifi's certificates are trusted if the system has none.
        user_agent_suffix: The program that uses the client.
        read_snapshot_seconds: The maximum age of shared list pages. None is READ_SNAPSHOT_SECONDS; 0 reads each object
            by itself.
        headers: Headers of every request.

    Raises:
        ConfigurationError: A setting is invalid.
    """

    def __init__(
        self,
        api: Api,
        *,
        base_url: str,
        credentials: Credentials,
        ca_bundle: str | Path | None = None,
        user_agent_suffix: str = "",
        read_snapshot_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._base_url = base_url
        self.route = environment_route(base_url)
        connections = open_transport(self.route, ca_bundle, encrypted=base_url.startswith("https:"))
        try:
            http = httpx.Client(
                base_url=base_url,
                headers={
                    "Accept": "application/json",
                    "User-Agent": _user_agent(api, user_agent_suffix),
                    **(headers or {}),
                },
                transport=connections,
                trust_env=False,
                follow_redirects=False,
            )
        except httpx.InvalidURL:
            variable = f"{api.name.upper()}_BASE_URL"
            raise ConfigurationError(f"the base URL (`base_url`, {variable}) is not a valid URL") from None
        self._transport = Transport(
            HttpSender(http, api, credentials),
            ListCaches(READ_SNAPSHOT_SECONDS if read_snapshot_seconds is None else read_snapshot_seconds),
            limiter=RateLimiter(open_usage(api, base_url, credentials.identity), log=api.log),
        )

    def with_options(self, options: RequestOptions) -> Self:
        """Return a client over the same connections with other limits of its calls."""
        client = copy.copy(self)
        client._transport = self._transport.with_options(options)
        return client

    def name_key(self, source: str) -> None:
        """Set where the API key comes from (`ApiError.key_source`), such as a variable's name; never its value."""
        self._transport.name_key(source)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._base_url!r}, api_key={MASK!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def checked_setting(name: str, normalize: Callable[[str], str], value: str) -> str:
    """Return a setting in normal form; raises ConfigurationError with the setting's name."""
    try:
        return normalize(value)
    except ValueError as error:
        raise ConfigurationError(f"the {name} {error}") from None


def _user_agent(api: Api, suffix: str) -> str:
    # A header contains printable ASCII only.
    printable = "".join(char for char in suffix if char.isascii() and char.isprintable())
    return f"{api.name}-provider/{api.version} python/{platform.python_version()} {printable}".strip()
