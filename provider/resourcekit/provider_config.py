"""The provider's settings: complete them from the environment, validate them, and create the client."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from resourcekit.errors import CheckError, CheckFailure
from resourcekit.package import Package
from resourcekit.planning.validate import Validated, validate_arguments


def apply_environment(package: Package[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings, with those that are not set taken from the environment.

    The values of the environment stay in memory: no API key from the environment reaches a state.
    """
    settings = {name: value for name, value in values.items() if value is not None}
    for name, variable in package.environment.items():
        if name not in settings and os.environ.get(variable):
            settings[name] = os.environ[variable]
    return settings


def variable_of(package: Package[Any], values: Mapping[str, Any], name: str) -> str:
    """Return the environment variable that a setting's value comes from; empty if the value does not come from one."""
    variable = package.environment.get(name, "")
    return variable if variable and values.get(name) is None and os.environ.get(variable) else ""


def validate_config(package: Package[Any], values: Mapping[str, Any]) -> Validated:
    """Validate the settings, completed from the environment. A failure names the variable that its value comes from."""
    checked = validate_arguments(package.settings, apply_environment(package, values))

    def with_variable(failure: CheckFailure) -> CheckFailure:
        variable = variable_of(package, values, failure.property)
        if not variable:
            return failure
        return CheckFailure(failure.property, f"{failure.reason} (the value comes from {variable})")

    return Validated(checked.values, tuple(map(with_variable, checked.failures)))


def configure_client(
    package: Package[Any],
    values: Mapping[str, Any],
    engine: str,
    warn: Callable[[str], None],
    source: Callable[[str], str] = "`{}`".format,
) -> Any:
    """Return the vendor's client.

    The environment completes the settings. `source` returns a text about the origin of one of them.

    Raises:
        CheckError: A setting breaks a rule.
        ResourceError: The settings cannot work.
    """
    checked = validate_config(package, values)
    if checked.failures:
        raise CheckError(checked.failures)
    api = package.connect(package.settings.model_validate(checked.values), engine, warn)
    variables = {name: variable_of(package, values, name) for name in checked.values}
    package.name_sources(api, {name: variable or source(name) for name, variable in variables.items()})
    return api
