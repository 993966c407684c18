"""Options appended to an import id, for values that the API does not return.

    id = "d7f3…?store_credentials=false"     an argument that the API never sees, as the configuration sets it
    id = "d7f3…/0a1b…/7?variables=null"      an argument that the configuration sets through its write-only variant

A provider does not receive the configuration while it imports. Without options, the import assumes that the
configuration omits such arguments, and the value of a write-only argument would enter the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from resourcekit.errors import ResourceError
from resourcekit.terraform.cty.msgpack import WireValue
from resourcekit.terraform.resource_type import ResourceType

_VALUES: Mapping[str, bool] = {"true": True, "false": False}


@dataclass(frozen=True)
class ImportOptions:
    """A parsed import id.

    Attributes:
        id: The id without options.
        provider_only: The values of arguments that the API never sees.
        omitted: The arguments to leave out of the state.
    """

    id: str
    provider_only: Mapping[str, WireValue] = field(default_factory=dict)
    omitted: frozenset[str] = frozenset()

    @classmethod
    def read(cls, kind: ResourceType, text: str) -> ImportOptions:
        """Parse an import id.

        Raises:
            ResourceError: The resource type does not accept an option.
        """
        id_, _, query = text.partition("?")
        options = [each.partition("=") for each in query.split("&") if each]
        provider_only = {
            name: _VALUES[value] for name, _, value in options if name in kind.provider_only and value in _VALUES
        }
        omitted = frozenset(name for name, _, value in options if name in kind.omittable_on_import and value == "null")
        for name, _, value in options:
            if name not in provider_only and name not in omitted:
                allowed = ", ".join(f"`{each}`" for each in allowed_options(kind))
                advice = f"use one of {allowed}" if allowed else "give the id alone"
                raise ResourceError(f"`{name}={value}` is not an option of this import: {advice}")
        return cls(id_, provider_only, omitted)


def allowed_options(kind: ResourceType) -> list[str]:
    """Return all options that an import of this resource type accepts."""
    options = [f"{name}={value}" for name in sorted(kind.provider_only) for value in _VALUES]
    return [*options, *(f"{name}=null" for name in sorted(kind.omittable_on_import))]
