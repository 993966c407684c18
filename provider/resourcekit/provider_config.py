"""The provider's own settings: completed from the environment, checked, and turned into a connection."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from resourcekit.errors import CheckError, CheckFailure
from resourcekit.package import Package
from resourcekit.planning.validate import Validated, validate_arguments


def apply_environment(package: Package[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Unset settings from the environment. Only ever in memory: a key from the environment enters no state."""
    found = {name: value for name, value in values.items() if value is not None}
    for name, variable in package.environment.items():
        if name not in found and os.environ.get(variable):
            found[name] = os.environ[variable]
    return found


def variable_of(package: Package[Any], values: Mapping[str, Any], name: str) -> str:
    """Return the environment variable that gives a setting its value; empty where it is set itself, or not at all."""
    variable = package.environment.get(name, "")
    return variable if variable and values.get(name) is None and os.environ.get(variable) else ""


def validate_config(package: Package[Any], values: Mapping[str, Any]) -> Validated:
    """The settings with the environment's, and what is wrong with them. A failure names the variable of its value."""
    checked = validate_arguments(package.settings, apply_environment(package, values))

    def sourced(failure: CheckFailure) -> CheckFailure:
        variable = variable_of(package, values, failure.property)
        return (
            CheckFailure(failure.property, f"{failure.reason} (its value is that of {variable})")
            if variable
            else failure
        )

    return Validated(checked.values, tuple(map(sourced, checked.failures)))


def configure_client(
    package: Package[Any],
    values: Mapping[str, Any],
    engine: str,
    warn: Callable[[str], None],
    source: Callable[[str], str] = "`{}`".format,
) -> Any:
    """Return the vendor's client.

    Args:
        package: Of the vendor.
        values: The settings that were given; the environment's complete them.
        engine: Who asks, for the User-Agent.
        warn: For what the user should know of the settings.
        source: Where a setting comes from that was given, by its name, for people.

    Raises:
        CheckFailed: A setting breaks a rule.
        ResourceError: The settings cannot work.
    """
    checked = validate_config(package, values)
    if checked.failures:
        raise CheckError(checked.failures)
    api = package.connect(package.settings.model_validate(checked.values), engine, warn)
    variables = {name: variable_of(package, values, name) for name in checked.values}
    package.name_sources(api, {name: variable or source(name) for name, variable in variables.items()})
    return api
