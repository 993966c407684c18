"""The provider's own settings: checked, compared, and turned into a connection."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from pulumi.runtime.proto import provider_pb2 as pb

from resourcekit.declaration import fields_of
from resourcekit.errors import CheckFailed, Failure
from resourcekit.planning.check import Checked, check_arguments
from resourcekit.pulumi.names import camel
from resourcekit.resource import Package


def with_environment(package: Package[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Unset settings from the environment. Only ever in memory: a key from the environment enters no state."""
    found = {name: value for name, value in values.items() if value is not None}
    for name, variable in package.environment.items():
        if name not in found and os.environ.get(variable):
            found[name] = os.environ[variable]
    return found


def check(package: Package[Any], values: Mapping[str, Any]) -> Checked:
    """The settings with the environment's, and what is wrong with them. `version` is the engine's own."""
    given = {name: value for name, value in values.items() if name not in ("version", "pluginDownloadURL")}
    checked = check_arguments(package.settings, with_environment(package, given))
    return Checked(checked.values, tuple(_with_ways_out(package, failure) for failure in checked.failures))


def _with_ways_out(package: Package[Any], failure: Failure) -> Failure:
    variable = package.environment.get(failure.property)
    if variable is None:
        return failure
    secret = "--secret " if fields_of(package.settings)[failure.property].secret else ""
    command = f"pulumi config set {secret}{package.name}:{camel(failure.property)} …"
    return Failure(failure.property, f"{failure.reason}; set it with `{command}` or in the environment as {variable}")


def connect(package: Package[Any], values: Mapping[str, Any], warn: Callable[[str], None]) -> Any:
    """The vendor's client. Raises CheckFailed or ResourceError."""
    checked = check(package, values)
    if checked.failures:
        raise CheckFailed(checked.failures)
    return package.connect(package.settings.model_validate(checked.values), "pulumi", warn)


def diff(package: Package[Any], olds: Mapping[str, Any], news: Mapping[str, Any]) -> pb.DiffResponse:
    """Which settings changed. None of them replaces the provider: that would replace every resource with it."""
    changed = sorted(camel(name) for name in fields_of(package.settings) if olds.get(name) != news.get(name))
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if changed else pb.DiffResponse.DIFF_NONE,
        diffs=changed,
        detailedDiff={name: pb.PropertyDiff(kind=pb.PropertyDiff.UPDATE, inputDiff=True) for name in changed},
        hasDetailedDiff=True,
    )
