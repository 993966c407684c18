"""The base of clients: one connection pool, and the settings that all clients have."""

from __future__ import annotations

import copy
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

from pydantic import BaseModel

from resourcekit.http.api import Api
from resourcekit.http.connection import open_transport
from resourcekit.http.credentials import Credentials
from resourcekit.http.errors import ConfigurationError
from resourcekit.http.lazy_import import lazy_import
from resourcekit.http.list_cache.cache import ListCaches
from resourcekit.http.models import JsonObject, parse
from resourcekit.http.pages import iter_items
from resourcekit.http.pagination import Paging, PlainArray
from resourcekit.http.proxy import environment_route
from resourcekit.http.rate_limit.limiter import RateLimiter
from resourcekit.http.rate_limit.shared_usage import open_usage
from resourcekit.http.retry import RetrySafety
from resourcekit.http.secrets import MASK
from resourcekit.http.sender import HttpSender
from resourcekit.http.transport import RequestOptions, Transport

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

ModelT = TypeVar("ModelT", bound=BaseModel)
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

    Attributes:
        paging: How the API divides its lists into pages.

    Raises:
        ConfigurationError: A setting is invalid.
    """

    paging: ClassVar[Paging] = PlainArray()

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

    def for_cleanup(self, seconds: float = 10) -> Self:
        """Return a client whose calls are sent although the operation was cancelled or has timed out."""
        return self.with_options(RequestOptions(time.monotonic() + seconds, on_wait=self._transport.options.on_wait))

    def name_key(self, source: str) -> None:
        """Set where the API key comes from (`ApiError.key_source`), such as a variable's name; never its value."""
        self._transport.name_key(source)

    def iter_objects(self, path: str, filters: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Yield every object of a list whose fields are not documented."""
        found = self._iter(JsonObject, path, None, filters)
        return (each.root for each in found)

    def read_object(self, path: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the JSON object of a GET."""
        return self._transport.request_json("GET", path, params=parameters or None)

    def _iter(
        self,
        model: type[ModelT],
        path: str,
        id_of: Callable[[ModelT], str] | None,
        filters: Mapping[str, Any] | None = None,
        paging: Paging | None = None,
    ) -> Iterator[ModelT]:
        """Yield every object of a list once.

        Args:
            model: The model of an object.
            path: The list's path.
            id_of: Returns what identifies an object. None: nothing does.
            filters: Parameters of the query.
            paging: The list's own paging; None: that of the client's class.
        """
        return iter_items(self._transport, path, model, id_of, paging or self.paging, filters)

    def _parsed(self, model: type[ModelT], method: str, path: str, **options: Any) -> ModelT:
        """Send a call (`Transport.request`), and return the object of its response."""
        return parse(model, self._transport.request_json(method, path, **options))

    def _create(self, model: type[ModelT], path: str, body: Mapping[str, Any]) -> ModelT:
        """Send a POST that must not be repeated without a check, and return the object of its response."""
        return self._parsed(model, "POST", path, json=body, safety=RetrySafety.UNSAFE)

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
