"""The client: every operation of the API as a method, over one connection pool."""

from __future__ import annotations

from pathlib import Path

from polykomos.client.account import AccountApi
from polykomos.client.api import API
from polykomos.client.cached_reads import CachedReads
from polykomos.client.setting_values import normalize_api_key, normalize_base_url
from resourcekit.http.client import HttpClient, checked_setting
from resourcekit.http.credentials import bearer


class Client(HttpClient, CachedReads, AccountApi):
    """A client of the Polykomos API; safe for use by many threads.

    Proxies come from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY. Addresses of this machine are always reached
    directly (`route`). Every method may raise the errors of `polykomos.client.errors`.

    Args:
        base_url: The API's URL, with `/api/v1`.
        api_key: The API key.
        ca_bundle: A PEM file of certificates to trust instead of the system's. Without it, SSL_CERT_FILE and
            SSL_CERT_DIR apply; certifi's certificates are trusted if the system has none.
        user_agent_suffix: The program that uses the client.
        read_snapshot_seconds: The maximum age of a result of a `read_` method. None is 10 seconds; 0 reads each object
            by itself.

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
        super().__init__(
            API,
            base_url=checked_setting("base URL (`base_url`, POLYKOMOS_BASE_URL)", normalize_base_url, base_url),
            credentials=bearer(checked_setting("API key (`api_key`, POLYKOMOS_API_KEY)", normalize_api_key, api_key)),
            ca_bundle=ca_bundle,
            user_agent_suffix=user_agent_suffix,
            read_snapshot_seconds=read_snapshot_seconds,
        )
