"""A package whose API is reached by the kit's HTTP client: its connection, and messages for the client's errors."""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from resourcekit.errors import CancelledError as OperationCancelled
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments
from resourcekit.http.credential_settings import (
    BEARER_KEY,
    CredentialSettings,
    describe,
    open_credentials,
    source_of,
)
from resourcekit.http.errors import (
    ApiError,
    ClientCancelledError,
    ClientError,
    ConfigurationError,
    DeadlineExceededError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    ResponseOverdueError,
    TransportError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from resourcekit.http.setting_values import is_unencrypted
from resourcekit.package import DeclaredCalls, Package
from resourcekit.resource import DataSource

if TYPE_CHECKING:
    from resourcekit.http.client import HttpClient

ClientT = TypeVar("ClientT", bound="HttpClient")
TIMEOUTS: Final = "`customTimeouts` (Pulumi) or `timeouts` (Terraform, OpenTofu)"
# Suffixes of the example files, by engine.
_EXAMPLES: Final = {"pulumi-yaml": "pulumi-yaml.yaml", "terraform": "terraform.tf"}


@dataclass(frozen=True)
class HttpPackage(Package[ClientT]):
    """A package for the engines' adapters whose client is an `HttpClient`.

    The client is the class `Client` of the vendor's module `api`, whose API is `API` there. A subclass is needed only
    for a client that is opened in another way (`open_client`), or for further advice (`advice`).

    Attributes:
        default_base_url: The API's URL if the setting `base_url` is not set; empty: the setting is required.
        module: The vendor's Python package, which has the examples in its folder `docs`; empty for `name`.
        credentials: The ways to authenticate, of which one must be set.
        headers: The headers of every request whose values are settings: name of the header to the setting.
        calls: Returns what the package offers beside resources, when it is needed.
        error_fields: The arguments of the API's field names where they differ; "" for a field that is no argument.
        error_advice: What to do about an error of the API, by its status or class, as one sentence without its end.
    """

    default_base_url: str = ""
    module: str = ""
    credentials: tuple[CredentialSettings, ...] = (BEARER_KEY,)
    headers: Mapping[str, str] = field(default_factory=dict)
    calls: Callable[[], DeclaredCalls[ClientT]] = DeclaredCalls
    error_fields: Mapping[str, str] = field(default_factory=dict)
    error_advice: Mapping[int | type, str] = field(default_factory=dict)

    @property
    def data_sources(self) -> tuple[DataSource[Any, Any, ClientT], ...]:
        """The data sources."""
        return self.calls().data_sources

    @property
    def ephemeral_resources(self) -> tuple[DataSource[Any, Any, ClientT], ...]:
        """The ephemeral resources."""
        return self.calls().ephemeral_resources

    @property
    def actions(self) -> tuple[DataSource[Any, Any, ClientT], ...]:
        """The actions."""
        return self.calls().actions

    def open_client(self, settings: Any, base_url: str, engine: str) -> ClientT:
        """Return a client for validated settings; raises ConfigurationError."""
        api = importlib.import_module(f"{self.module or self.name}.api")
        client: ClientT = api.Client(
            api.API,
            base_url=base_url,
            credentials=open_credentials(self.credentials, settings, self.environment),
            user_agent_suffix=engine,
            headers={name: value for name, key in self.headers.items() if (value := getattr(settings, key))},
        )
        return client

    def advice(self, error: ApiError) -> str:
        """Return what to do about an error of this API, as an end of a sentence that begins with ". ", or ""."""
        kinds: tuple[int | type, ...] = (error.status, *type(error).__mro__)
        declared = next((self.error_advice[kind] for kind in kinds if kind in self.error_advice), None)
        if declared is not None:
            return f". {declared}"
        if isinstance(error, NotFoundError):
            return ". If it was deleted outside of the program, refresh the state and run it again"
        return default_advice(error, describe(self.credentials, self.environment))

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
        api.name_key(source_of(self.credentials, sources))

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


def default_advice(error: ApiError, settings: str) -> str:
    """Return what to do about an error by its status.

    Args:
        error: The error.
        settings: The settings of the credentials.
    """
    source = f". The rejected key comes from {error.key_source}" if error.key_source else ""
    if isinstance(error, RateLimitedError):
        return ". Wait a minute, lower `--parallel`, or raise the key's limit in the dashboard"
    if isinstance(error, UnauthorizedError):
        return f". Check {settings}{source}"
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
