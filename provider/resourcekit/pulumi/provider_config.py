"""The provider's own settings: checked and compared, in this engine's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from resourcekit import provider_config
from resourcekit.errors import CheckFailure
from resourcekit.field_types import FieldType, ScalarType, field_types
from resourcekit.fields import field_specs
from resourcekit.package import Package
from resourcekit.planning.validate import Validated
from resourcekit.pulumi.casing import to_camel
from resourcekit.pulumi.protocol import provider_pb2 as pb

# For people: refresh and destroy use what the state holds.
_OF_STATE = (
    "as the last `pulumi up` left it, and not that of the program or the configuration: run `pulumi up` first, or give "
    "`pulumi refresh` and `pulumi destroy` the option `--run-program`"
)


def check(package: Package[Any], values: Mapping[str, Any]) -> Validated:
    """The settings with the environment's, and what is wrong with them."""
    checked = provider_config.validate_config(package, _vendors(package, values))
    return Validated(checked.values, tuple(_with_ways_out(package, failure) for failure in checked.failures))


def configure_client(
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
        own = f"`{to_camel(name)}` of the provider"
        return f"{own} in the stack's state, {_OF_STATE}" if from_state else f"{own} ({package.name}:{to_camel(name)})"

    return provider_config.configure_client(package, _vendors(package, values), "pulumi", warn, source)


def _vendors(package: Package[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those that the engine and its SDKs put in for themselves."""
    shapes = field_types(package.settings)
    return {
        name: _unquoted(shapes.get(name), value)
        for name, value in values.items()
        if name not in ("version", "pluginDownloadURL")
    }


def _unquoted(shape: FieldType | None, value: Any) -> Any:
    """Stack configuration and the SDKs give settings that are no strings as JSON in one."""
    if not isinstance(value, str) or shape in (None, ScalarType("string")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _with_ways_out(package: Package[Any], failure: CheckFailure) -> CheckFailure:
    variable = package.environment.get(failure.property)
    if variable is None:
        return failure
    secret = "--secret " if field_specs(package.settings)[failure.property].secret else ""
    command = f"pulumi config set {secret}{package.name}:{to_camel(failure.property)} …"
    return CheckFailure(
        failure.property, f"{failure.reason}; set it with `{command}` or in the environment as {variable}"
    )


def diff(package: Package[Any], olds: Mapping[str, Any], news: Mapping[str, Any]) -> pb.DiffResponse:
    """Which settings changed. None of them replaces the provider: that would replace every resource with it."""
    changed = sorted(to_camel(name) for name in field_specs(package.settings) if olds.get(name) != news.get(name))
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if changed else pb.DiffResponse.DIFF_NONE,
        diffs=changed,
        detailedDiff={name: pb.PropertyDiff(kind=pb.PropertyDiff.UPDATE, inputDiff=True) for name in changed},
        hasDetailedDiff=True,
    )
