"""A vendor's package: its resources and functions, and the client for its settings."""

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
class DeclaredCalls(Generic[ApiT]):
    """What a package offers beside resources. One declaration may be in several of the tuples.

    Attributes:
        data_sources: Calls that read: Terraform's data sources, Pulumi's functions.
        ephemeral_resources: Calls whose results must not be stored. Terraform only.
        actions: Calls that change something: Terraform's actions, and functions of Pulumi that no preview runs.
    """

    data_sources: tuple[DataSource[Any, Any, ApiT], ...] = ()
    ephemeral_resources: tuple[DataSource[Any, Any, ApiT], ...] = ()
    actions: tuple[DataSource[Any, Any, ApiT], ...] = ()


@dataclass(frozen=True)
class Package(Generic[ApiT]):
    """A vendor's package as the engines' adapters see it.

    Subclasses implement `connect`. Parts that most programs do not use are properties, which a subclass may load on
    first use.

    Attributes:
        name: The package's name, such as "polykomos". Names of resources and environment variables begin with it.
        version: The release.
        display_name: The vendor's name for users.
        description: One or two sentences for schemas and registries.
        homepage: The project's URL.
        settings: The model of the provider's settings.
        environment: The environment variable of each setting that may come from the environment.
        resources: The resources.
        keywords: Keywords for registries.
        idempotency_scope_setting: The setting that identifies the program for idempotency keys, if the engine does
            not. Empty: none.
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
        """The data sources."""
        return ()

    @property
    def ephemeral_resources(self) -> tuple[DataSource[Any, Any, ApiT], ...]:
        """The ephemeral resources: functions whose results must not be stored. Terraform only."""
        return ()

    @property
    def actions(self) -> tuple[DataSource[Any, Any, ApiT], ...]:
        """The actions: calls that change something. Pulumi has them as functions that no preview runs."""
        return ()

    @property
    def called_functions(self) -> tuple[DataSource[Any, Any, ApiT], ...]:
        """The data sources, and the actions that are none, for an engine without actions (Pulumi)."""
        return (*self.data_sources, *(each for each in self.actions if self.is_only_action(each)))

    def is_only_action(self, call: DataSource[Any, Any, ApiT]) -> bool:
        """Return whether a call is offered as an action and not as a data source, so that no preview may run it."""
        return all(each.name != call.name for each in self.data_sources)

    @property
    def functions(self) -> tuple[ProviderFunction[Any], ...]:
        """The provider functions, which are pure. Terraform only."""
        return ()

    @property
    def components(self) -> tuple[Component[Any, Any], ...]:
        """The components: resources that consist of other resources. Pulumi only; Terraform has modules."""
        return ()

    @property
    def log_variable(self) -> str:
        """The name of the environment variable that sets the plugins' log level."""
        return f"{self.name.upper()}_LOG"

    def connect(self, settings: Arguments, engine: str, warn: Callable[[str], None]) -> ApiT:
        """Return a client for these settings.

        Args:
            settings: The settings, completed from the environment and validated.
            engine: The engine's name, for the User-Agent.
            warn: Print a warning about the settings.

        Raises:
            ResourceError: The settings cannot work.
        """
        raise NotImplementedError

    def name_sources(self, api: ApiT, sources: Mapping[str, str]) -> None:
        """Pass the origin of each setting to the client, for its messages."""
        del api, sources

    def account(self, api: ApiT) -> str | None:
        """Return the id of the client's account, or None if it is not known. States contain the id in plain text.

        Raises:
            Exception: An exception of the vendor's client.
        """
        del api
        return None

    def with_deadline(self, api: ApiT, deadline: float, cancel: threading.Event, say: Callable[[str], None]) -> ApiT:
        """Return the client for one operation.

        Args:
            api: The client of the provider.
            deadline: The end of all retries, in seconds of `time.monotonic()`.
            cancel: Ends all retries when it is set.
            say: Print a line in the engine's log, such as the reason for a wait.
        """
        del deadline, cancel, say
        return api

    def example(self, name: str, engine: str) -> str | None:
        """Return a complete example program, or None if there is none.

        Args:
            name: The declared name of the resource or function.
            engine: The program's language: "pulumi-yaml" or "terraform".
        """
        del name, engine
        return None

    def to_resource_error(self, error: Exception) -> Exception:
        """Return a `ResourceError` for an exception of the vendor's client, and any other exception unchanged."""
        return error
