"""Settings that contain credentials: one way to authenticate is chosen from those that an API has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from resourcekit.http.credentials import Credentials, LoginCredentials, bearer
from resourcekit.http.errors import ConfigurationError


@dataclass(frozen=True)
class CredentialSettings:
    """One way to authenticate.

    Attributes:
        names: The settings that it needs.
        open: Returns the credentials for the values of these settings, in their order.
    """

    names: tuple[str, ...]
    open: Callable[..., Credentials]


BEARER_KEY: Final = CredentialSettings(("api_key",), bearer)


def login(path: str, refresh: str, names: tuple[str, ...] = ("email", "password")) -> CredentialSettings:
    """Return the way of a login, whose body has the settings by their names.

    Args:
        path: The path of the login.
        refresh: The path that renews a token.
        names: The settings.
    """

    def open_login(*values: str) -> Credentials:
        return LoginCredentials(path, dict(zip(names, values, strict=True)), refresh)

    return CredentialSettings(names, open_login)


def open_credentials(ways: Sequence[CredentialSettings], settings: Any, environment: Mapping[str, str]) -> Credentials:
    """Return the credentials of the one way whose settings are set.

    Args:
        ways: The ways to authenticate of an API.
        settings: The settings.
        environment: The environment variables of the settings, for messages.

    Raises:
        ConfigurationError: No way is set, several are, or one is incomplete.
    """
    values = {name: getattr(settings, name) for way in ways for name in way.names}
    begun = [way for way in ways if any(values[name] for name in way.names)]
    missing = [name for way in begun for name in way.names if not values[name]]
    if len(begun) == 1 and not missing:
        return begun[0].open(*(values[name] for name in begun[0].names))
    several = "both are set" if len(ways) == 2 else "several are set"
    none = "neither is set" if len(ways) == 2 else "none is set"
    fault = several if len(begun) > 1 else f"`{missing[0]}` is missing" if begun else none
    raise ConfigurationError(f"set {'one of ' if len(ways) > 1 else ''}{describe(ways, environment)}: {fault}")


def describe(ways: Sequence[CredentialSettings], environment: Mapping[str, str]) -> str:
    """Return the settings of all ways, with their environment variables."""

    def spelled(name: str) -> str:
        return f"`{name}` ({environment[name]})" if name in environment else f"`{name}`"

    return ", or ".join(" and ".join(map(spelled, way.names)) for way in ways)


def source_of(ways: Sequence[CredentialSettings], sources: Mapping[str, str]) -> str:
    """Return where the secret comes from, for messages: the source of the last setting of the way that is set."""
    return next((sources[way.names[-1]] for way in ways if way.names[-1] in sources), "")
