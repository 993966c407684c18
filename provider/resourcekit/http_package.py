"""A package whose API is reached by the kit's HTTP client: its connection, and messages for the client's errors."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from resourcekit.errors import CancelledError as OperationCancelled
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments
from resourcekit.http.errors import (
    ApiError,
    ClientCancelledError,
    ClientError,
    ConfigurationError,
    DeadlineExceededError,
    ForbiddenError,
    RateLimitedError,
    ResponseOverdueError,
    TransportError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from resourcekit.http.setting_values import is_unencrypted
from resourcekit.package import Package

if TYPE_CHECKING:
    from resourcekit.http.client import HttpClient

ClientT = TypeVar("ClientT", bound="HttpClient")
TIMEOUTS: Final = "`customTimeouts` (Pulumi) or `timeouts` (Terraform, OpenTofu)"
# Suffixes of the example files, by engine.
_EXAMPLES: Final = {"pulumi-yaml": "pulumi-yaml.yaml", "terraform": "terraform.tf"}


@dataclass(frozen=True)
class HttpPackage(Package[ClientT]):
    """A package for the engines' adapters whose client is an `HttpClient`.

    Subclasses implement `open_client`, and `advice` for the errors of their API.

    Attributes:
        default_base_url: The API's URL if the setting `base_url` is not set; empty: the setting is required.
        module: The vendor's Python package, which has the examples in its folder `docs`; empty for `name`.
        error_fields: The arguments of the API's field names where they differ; "" for a field that is no argument.
    """

    default_base_url: str = ""
    module: str = ""
    error_fields: Mapping[str, str] = field(default_factory=dict)

    def open_client(self, settings: Any, base_url: str, engine: str) -> ClientT:
        """Return a client for validated settings; raises ConfigurationError."""
        raise NotImplementedError

    def advice(self, error: ApiError) -> str:
        """Return what to do about an error of this API, as an end of a sentence that begins with ". ", or ""."""
        return default_advice(error, f"{self.name.upper()}_API_KEY")

    def connect(self, settings: Arguments, engine: str, warn: Callable[[str], None]) -> ClientT:
        """Return a client for the settings; raises ResourceError if they are invalid."""
        base_url = getattr(settings, "base_url", None) or self.default_base_url
        if is_unencrypted(base_url):
            warn("`base_url` is plain http: the API key and passwords are sent unencrypted. Use an https URL")
        try:
            api = self.open_client(settings, base_url, engine)
        except ConfigurationError as error:
            raise ResourceError(str(error)) from error
        if api.route.proxy:
            for entry in api.route.passed_over:
                warn(
                    f"{api.route.exceptions}: the entry {entry!r} is invalid and is ignored; {base_url} is reached "
                    f"through {api.route.shown} ({api.route.source})"
                )
        return api

    def name_sources(self, api: ClientT, sources: Mapping[str, str]) -> None:
        """Set where the API key comes from, for messages."""
        api.name_key(sources.get("api_key", ""))

    def with_deadline(
        self, api: ClientT, deadline: float, cancel: threading.Event, say: Callable[[str], None]
    ) -> ClientT:
        """Return the client with the limits of one operation."""
        from resourcekit.http.transport import RequestOptions

        return api.with_options(RequestOptions(deadline, cancel, say))

    def to_resource_error(self, error: Exception) -> Exception:
        """Return a ResourceError for an error of the client, and any other exception unchanged."""
        if isinstance(error, ClientCancelledError):
            return OperationCancelled(str(error))
        if isinstance(error, ApiError):
            named = error.field or ""
            return ResourceError(f"{error}{self.advice(error)}", property=self.error_fields.get(named, named))
        return ResourceError(f"{error}{_advice_without_response(error)}") if isinstance(error, ClientError) else error

    def example(self, name: str, engine: str) -> str | None:
        """Return the example of a resource or data source for an engine, or None."""
        return _example(self.module or self.name, name, engine)


def default_advice(error: ApiError, variable: str) -> str:
    """Return what to do about an error by its status.

    Args:
        error: The error.
        variable: The environment variable of the API key.
    """
    source = f". The rejected key comes from {error.key_source}" if error.key_source else ""
    if isinstance(error, RateLimitedError):
        return ". Wait a minute, lower `--parallel`, or raise the key's limit in the dashboard"
    if isinstance(error, UnauthorizedError):
        return f". Check the API key (`api_key` or {variable}){source}"
    if isinstance(error, ForbiddenError):
        return f". Check the API key's status, scopes and allowed addresses{source}"
    return ""


def _advice_without_response(error: ClientError) -> str:
    if isinstance(error, ResponseOverdueError):
        return f". Run it again: the provider finds what was done. For a longer time-out, raise {TIMEOUTS}"
    if isinstance(error, DeadlineExceededError):
        return f". Run it again, which resumes the wait. For a longer time-out, raise {TIMEOUTS}"
    if isinstance(error, UnknownOutcomeError):
        return ". Refresh the state to see whether it was carried out"
    if isinstance(error, TransportError):
        return ". Check `base_url`, the network and the service's status, then run it again"
    return ""


@functools.cache
def _example(module: str, name: str, engine: str) -> str | None:
    from importlib import resources

    suffix = _EXAMPLES.get(engine)
    path = resources.files(module).joinpath("docs", f"{name}.{suffix}")
    return path.read_text(encoding="utf-8") if suffix and path.is_file() else None
