"""Convert properties of the dynamic provider host to declared values and back. The names are the declared ones.

In addition to its arguments and state, a resource has five properties of this provider. Their names begin with `__`,
like those that the engine does not show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pulumi.output import Unknown as HostUnknown

from resourcekit.pulumi.numbers import loses_digits
from resourcekit.pulumi.property_path import Path, contains, parse_all
from resourcekit.pulumi.property_value import UNKNOWN_STRING
from resourcekit.pulumi.stack_export import ACCOUNT, SCHEMA_VERSION
from resourcekit.resource import Resource
from resourcekit.state import upgraded_state
from resourcekit.unknown import UNKNOWN

# The resource options, because the host passes neither URN nor timeouts: {"urn": …, "timeouts": {"create": seconds, …},
# "import": id, "ignore": paths, "replace": paths, "autonaming": {"proposal": name, "mode": name of a mode}}.
PROGRAM: Final = "__program"
# The last inputs, because the host passes none to Diff, Update and Read. They may contain secrets.
INPUTS: Final = "__inputs"
# Why the object is not complete, because the host has no other way to return that.
UNFINISHED: Final = "__unfinished"


@dataclass(frozen=True)
class HostProperties:
    """The properties of a resource.

    Attributes:
        values: The arguments or the state.
        inputs: For a state: the last inputs.
        program: The resource options.
        unfinished: For a state: why the object is not complete; empty: it is.
        account: For a state: the account of the object.
    """

    values: dict[str, Any]
    inputs: dict[str, Any]
    program: dict[str, Any]
    unfinished: str
    account: str | None

    @property
    def urn(self) -> str:
        """The URN of the resource; empty if the program did not pass it."""
        return str(self.program.get("urn") or "")

    @property
    def import_id(self) -> str:
        """The id of the object to import; empty: create one."""
        return str(self.program.get("import") or "")

    def replaces(self, changed: Path) -> bool:
        """Return whether `replace_on_changes`, which the host ignores, names this change."""
        return any(contains(path, changed) for path in parse_all(self.program.get("replace") or ()))

    @property
    def ignored(self) -> list[Path]:
        """The paths of `ignore_changes`, which the host ignores too."""
        return parse_all(self.program.get("ignore") or ())

    def seconds(self, operation: str, default: float) -> float:
        """Return the time-out of an operation in seconds."""
        timeouts = self.program.get("timeouts") or {}
        return float(timeouts.get(operation) or default)


def read(props: Mapping[str, Any]) -> HostProperties:
    """Convert the host's properties."""
    return HostProperties(
        values={name: _plain(value) for name, value in props.items() if not name.startswith("__")},
        inputs=_plain(props.get(INPUTS) or {}),
        program=_plain(props.get(PROGRAM) or {}),
        unfinished=str(props.get(UNFINISHED) or ""),
        account=str(props.get(ACCOUNT) or "") or None,
    )


def read_state(resource: Resource[Any, Any, Any], props: Mapping[str, Any]) -> HostProperties:
    """Convert a state that any release of this provider wrote.

    Raises:
        ResourceError: A newer release wrote the state.
    """
    state = read(props)
    if not state.values:
        return state
    return replace(state, values=upgraded_state(resource, int(props.get(SCHEMA_VERSION) or 0), state.values))


def write(values: Mapping[str, Any], program: Mapping[str, Any]) -> dict[str, Any]:
    """Convert arguments to the host's properties. Null entries are left out."""
    properties = {name: _to_host(value) for name, value in values.items() if value is not None}
    return {**properties, PROGRAM: dict(program)} if program else properties


def write_state(
    state: Mapping[str, Any],
    inputs: Mapping[str, Any],
    program: Mapping[str, Any],
    unfinished: str = "",
    account: str | None = None,
    version: int = 0,
) -> dict[str, Any]:
    """Convert a state to the host's properties (`HostProperties`)."""
    properties = {**write(state, program), INPUTS: _to_host(inputs)}
    if account:
        properties[ACCOUNT] = account
    if version:
        properties[SCHEMA_VERSION] = version
    return {**properties, UNFINISHED: unfinished} if unfinished else properties


def _plain(value: Any) -> Any:
    if isinstance(value, HostUnknown) or value == UNKNOWN_STRING:
        return UNKNOWN
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _to_host(value: Any) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_STRING
    if isinstance(value, Mapping):
        return {key: _to_host(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_host(item) for item in value]
    if loses_digits(value):
        return str(value)  # exact, which the host's double would not be
    return value
