"""The provider's own settings: checked and compared, in this engine's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from resourcekit import settings
from resourcekit.declaration import fields_of
from resourcekit.errors import Failure
from resourcekit.package import Package
from resourcekit.planning.check import Checked
from resourcekit.pulumi.names import camel
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.shapes import Scalar, Shape, field_shapes

# For people: refresh and destroy use what the state holds.
_OF_STATE = (
    "as the last `pulumi up` left it, and not that of the program or the configuration: run `pulumi up` first, or give "
    "`pulumi refresh` and `pulumi destroy` the option `--run-program`"
)


def check(package: Package[Any], values: Mapping[str, Any]) -> Checked:
    """The settings with the environment's, and what is wrong with them."""
    checked = settings.check_settings(package, _vendors(package, values))
    return Checked(checked.values, tuple(_with_ways_out(package, failure) for failure in checked.failures))


def connect(
    package: Package[Any], values: Mapping[str, Any], warn: Callable[[str], None], *, from_state: bool = False
) -> Any:
    """Return the vendor's client.

    Args:
        package: Of the vendor.
        values: The settings as the engine sends them.
        warn: For what the user should know of the settings.
        from_state: Whether they are those of the stack's state, not of the program and the configuration.

    Raises:
        CheckFailed: A setting breaks a rule.
        ResourceError: The settings cannot work.
    """

    def source(name: str) -> str:
        own = f"`{camel(name)}` of the provider"
        return f"{own} in the stack's state, {_OF_STATE}" if from_state else f"{own} ({package.name}:{camel(name)})"

    return settings.connect(package, _vendors(package, values), "pulumi", warn, source)


def _vendors(package: Package[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those that the engine and its SDKs put in for themselves."""
    shapes = field_shapes(package.settings)
    return {
        name: _unquoted(shapes.get(name), value)
        for name, value in values.items()
        if name not in ("version", "pluginDownloadURL")
    }


def _unquoted(shape: Shape | None, value: Any) -> Any:
    """Stack configuration and the SDKs give settings that are no strings as JSON in one."""
    if not isinstance(value, str) or shape in (None, Scalar("string")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _with_ways_out(package: Package[Any], failure: Failure) -> Failure:
    variable = package.environment.get(failure.property)
    if variable is None:
        return failure
    secret = "--secret " if fields_of(package.settings)[failure.property].secret else ""
    command = f"pulumi config set {secret}{package.name}:{camel(failure.property)} …"
    return Failure(failure.property, f"{failure.reason}; set it with `{command}` or in the environment as {variable}")


def diff(package: Package[Any], olds: Mapping[str, Any], news: Mapping[str, Any]) -> pb.DiffResponse:
    """Which settings changed. None of them replaces the provider: that would replace every resource with it."""
    changed = sorted(camel(name) for name in fields_of(package.settings) if olds.get(name) != news.get(name))
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if changed else pb.DiffResponse.DIFF_NONE,
        diffs=changed,
        detailedDiff={name: pb.PropertyDiff(kind=pb.PropertyDiff.UPDATE, inputDiff=True) for name in changed},
        hasDetailedDiff=True,
    )
