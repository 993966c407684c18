"""All that a vendor offers, and how its settings become a client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from resourcekit.fields import Arguments
from resourcekit.resource import DataSource, ProviderFunction, Resource

if TYPE_CHECKING:
    from resourcekit.component import Component

ApiT = TypeVar("ApiT")


@dataclass(frozen=True)
class Package(Generic[ApiT]):
    """A vendor as the adapters see it. Subclasses say how settings become a client.

    scope_setting: the setting that names the program where the engine does not; empty = there is none.
    What programs seldom use is behind properties, for a subclass to load when it is first asked for.
    """

    name: str
    version: str
    display_name: str
    description: str
    homepage: str
    settings: type[Arguments]
    environment: Mapping[str, str]
    resources: tuple[Resource[Any, Any, ApiT], ...]
    keywords: tuple[str, ...] = ()
    idempotency_scope_setting: str = ""

    @property
    def data_sources(self) -> tuple[DataSource[Any, Any, ApiT], ...]:
        """Data sources."""
        return ()

    @property
    def ephemeral_resources(self) -> tuple[DataSource[Any, Any, ApiT], ...]:
        """Functions whose results must not be stored: ephemeral resources. Pulumi has none."""
        return ()

    @property
    def actions(self) -> tuple[DataSource[Any, Any, ApiT], ...]:
        """Functions that do something. Pulumi has none."""
        return ()

    @property
    def functions(self) -> tuple[ProviderFunction[Any], ...]:
        """Pure functions. Pulumi has none."""
        return ()

    @property
    def components(self) -> tuple[Component[Any, Any], ...]:
        """Resources made of resources. Pulumi alone has them; Terraform's users have modules."""
        return ()

    @property
    def log_variable(self) -> str:
        """The environment variable that sets the plugins' log level."""
        return f"{self.name.upper()}_LOG"

    def connect(self, settings: Arguments, engine: str, warn: Callable[[str], None]) -> ApiT:
        """A client for these settings. engine: who is calling, for the User-Agent. Raises ResourceError."""
        raise NotImplementedError

    def name_sources(self, api: ApiT, sources: Mapping[str, str]) -> None:
        """Tell the client where its settings come from, for its messages. sources: for people, by setting."""
        del api, sources

    def account(self, api: ApiT) -> str | None:
        """Return what identifies the account that the client acts for, as states may store it in plain text; None where
        that is not known. Raises the vendor's exceptions.
        """
        del api
        return None

    def with_deadline(self, api: ApiT, deadline: float, cancel: threading.Event, say: Callable[[str], None]) -> ApiT:
        """The client for one operation: its retries end at `deadline` (`time.monotonic()`) and when `cancel` is set.

        say: a line in the engine's log, for waits that are nobody's fault.
        """
        del deadline, cancel, say
        return api

    def example(self, name: str, engine: str) -> str | None:
        """A complete example program for the resource or function `name`, in `engine`'s language; None without one."""
        del name, engine
        return None

    def to_resource_error(self, error: Exception) -> Exception:
        """The same failure in words for people: a ResourceError where the exception is one of the vendor's."""
        return error
