"""Validate and compare the provider's settings, with messages in Pulumi's terms."""

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

# For messages: refresh and destroy use the settings in the state.
_OF_STATE = (
    "as the last `pulumi up` left it, and not that of the program or the configuration: run `pulumi up` first, or use "
    "`pulumi refresh` and `pulumi destroy` with the option `--run-program`"
)


def check(package: Package[Any], values: Mapping[str, Any]) -> Validated:
    """Validate the settings, completed from the environment. Each failure says how to set the value."""
    checked = provider_config.validate_config(package, _vendor_settings(package, values))
    return Validated(checked.values, tuple(_with_remedy(package, failure) for failure in checked.failures))


def configure_client(
    package: Package[Any], values: Mapping[str, Any], warn: Callable[[str], None], *, from_state: bool = False
) -> Any:
    """Return the vendor's client.

    Args:
        package: The vendor's package.
        values: The settings as the engine sends them.
        warn: Print a warning about the settings.
        from_state: Whether the settings are those of the stack's state, not of the program and the configuration.

    Raises:
        CheckError: A setting breaks a rule.
        ResourceError: The settings cannot work.
    """

    def source(name: str) -> str:
        setting = f"`{to_camel(name)}` of the provider"
        if from_state:
            return f"{setting} in the stack's state, {_OF_STATE}"
        return f"{setting} ({package.name}:{to_camel(name)})"

    return provider_config.configure_client(package, _vendor_settings(package, values), "pulumi", warn, source)


def _vendor_settings(package: Package[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without those that the engine and its SDKs add for themselves."""
    shapes = field_types(package.settings)
    return {
        name: _unquoted(shapes.get(name), value)
        for name, value in values.items()
        if name not in ("version", "pluginDownloadURL")
    }


def _unquoted(shape: FieldType | None, value: Any) -> Any:
    """Parse a setting that is no string: the stack configuration and the SDKs pass it as a string of JSON."""
    if not isinstance(value, str) or shape in (None, ScalarType("string")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _with_remedy(package: Package[Any], failure: CheckFailure) -> CheckFailure:
    variable = package.environment.get(failure.property)
    if variable is None:
        return failure
    secret = "--secret " if field_specs(package.settings)[failure.property].secret else ""
    command = f"pulumi config set {secret}{package.name}:{to_camel(failure.property)} …"
    return CheckFailure(
        failure.property, f"{failure.reason}; set it with `{command}` or in the environment as {variable}"
    )


def diff(package: Package[Any], olds: Mapping[str, Any], news: Mapping[str, Any]) -> pb.DiffResponse:
    """Return the settings that changed. None replaces the provider, because that would replace all its resources."""
    changed = sorted(to_camel(name) for name in field_specs(package.settings) if olds.get(name) != news.get(name))
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if changed else pb.DiffResponse.DIFF_NONE,
        diffs=changed,
        detailedDiff={name: pb.PropertyDiff(kind=pb.PropertyDiff.UPDATE, inputDiff=True) for name in changed},
        hasDetailedDiff=True,
    )
