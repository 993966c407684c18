"""Properties as the dynamic provider host has them, to declared values and back. Names are the declared ones.

Beside arguments and state, a resource holds four properties of ours. Their names begin with `__`, as those of the
engine do that it shows to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pulumi.output import Unknown as HostUnknown

from resourcekit.pulumi.numbers import loses_digits
from resourcekit.pulumi.property_path import Path, contains, parse_all
from resourcekit.pulumi.property_value import UNKNOWN_STRING
from resourcekit.pulumi.stack_export import ACCOUNT
from resourcekit.unknown import UNKNOWN

# What the program says beside the arguments, since the host passes neither URN nor timeouts: {"urn": …, "timeouts":
# {"create": seconds, …}, "import": id, "ignore": paths, "replace": paths}.
PROGRAM: Final = "__program"
# The last inputs, since the host passes none to Diff, Update and Read. May hold secrets.
INPUTS: Final = "__inputs"
# Why the object is not complete, since the host has no way to say so.
UNFINISHED: Final = "__unfinished"


@dataclass(frozen=True)
class HostProperties:
    """values: arguments or state; inputs, unfinished: of a state; program: of either."""

    values: dict[str, Any]
    inputs: dict[str, Any]
    program: dict[str, Any]
    unfinished: str
    account: str | None

    @property
    def urn(self) -> str:
        """Of the resource; empty where the program did not say it."""
        return str(self.program.get("urn") or "")

    @property
    def import_id(self) -> str:
        """Of the object to adopt instead of making one; empty = make one."""
        return str(self.program.get("import") or "")

    def replaces(self, changed: Path) -> bool:
        """Return whether a change replaces the object: `replace_on_changes`, which the host drops."""
        return any(contains(path, changed) for path in parse_all(self.program.get("replace") or ()))

    @property
    def ignored(self) -> list[Path]:
        """What `ignore_changes` names, which the host drops too."""
        return parse_all(self.program.get("ignore") or ())

    def seconds(self, operation: str, default: float) -> float:
        """How long an operation may take."""
        timeouts = self.program.get("timeouts") or {}
        return float(timeouts.get(operation) or default)


def read(props: Mapping[str, Any]) -> HostProperties:
    """What the host has."""
    return HostProperties(
        values={name: _plain(value) for name, value in props.items() if not name.startswith("__")},
        inputs=_plain(props.get(INPUTS) or {}),
        program=_plain(props.get(PROGRAM) or {}),
        unfinished=str(props.get(UNFINISHED) or ""),
        account=str(props.get(ACCOUNT) or "") or None,
    )


def write(values: Mapping[str, Any], program: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for the host. Nothing is said of what is null."""
    written = {name: _marked(value) for name, value in values.items() if value is not None}
    return {**written, PROGRAM: dict(program)} if program else written


def write_state(
    state: Mapping[str, Any],
    inputs: Mapping[str, Any],
    program: Mapping[str, Any],
    unfinished: str = "",
    account: str | None = None,
) -> dict[str, Any]:
    """A state for the host."""
    written = {**write(state, program), INPUTS: _marked(inputs)}
    if account:
        written[ACCOUNT] = account
    return {**written, UNFINISHED: unfinished} if unfinished else written


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


def _marked(value: Any) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_STRING
    if isinstance(value, Mapping):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if loses_digits(value):
        return str(value)  # every digit, where the host's double would lose some
    return value
