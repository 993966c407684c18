"""The state to keep after an operation: what was found, in the spelling that Terraform expects."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Set
from typing import Any

from resourcekit.context import Warn
from resourcekit.planning.validate import validate_arguments
from resourcekit.terraform.cty.encode import encode
from resourcekit.terraform.cty.msgpack import WireError, WireValue, wire_contains_unknown
from resourcekit.terraform.resource_type import ResourceType
from resourcekit.terraform.schema import Attribute, Values


def state_after_apply(kind: ResourceType, id_: str, found: Mapping[str, Any], planned: Values, warn: Warn) -> Values:
    """What the plan knew, null included, stays as planned: an API that says otherwise shows as drift at the next
    refresh. So a value given through its write-only twin, null in the plan, never enters the state.

    Nor is the object lost for a value that no state can hold: it is null, and `warn` is told.
    """

    def keep(attribute: Attribute) -> WireValue:
        expected = planned.get(attribute.name)
        if not wire_contains_unknown(expected):
            return expected
        try:
            return encode(attribute.type, found[attribute.name])
        except WireError as error:
            warn(f"what the API says of it cannot be kept ({error.reason})", attribute=attribute.name)
            return None

    return _state(kind, id_, planned, keep)


def minimal_state(id_: str, planned: Values) -> Values:
    """What is known of an object that was just made before anything of it is read: its id, and what was planned."""
    return {**{name: None if wire_contains_unknown(value) else value for name, value in planned.items()}, "id": id_}


def state_after_read(
    kind: ResourceType, id_: str, found: Mapping[str, Any], prior: Values, withheld: Set[str] = frozenset()
) -> Values:
    """What means the same as before stays as it was written before. withheld: arguments that an import leaves out."""
    imported = is_import(kind, prior)

    @functools.cache
    def normal() -> dict[str, Any]:
        return validate_arguments(kind.resource.arguments, kind.arguments_in(kind.state(prior))).values

    def keep(attribute: Attribute) -> WireValue:
        name = attribute.name
        if imported and name in withheld:
            return None
        value = encode(attribute.type, found[name])
        if imported and kind.is_null_equivalent(name, value):
            return encode(attribute.type, kind.null_equivalents[name])  # a program may leave it out or spell it
        facts = kind.arguments.get(name)
        if facts is None or imported:
            return value
        before = prior.get(name)
        return before if value == before or facts.semantically_equal(normal().get(name), found[name]) else value

    return _state(kind, id_, prior, keep)


def is_import(kind: ResourceType, prior: Values) -> bool:
    """Whether a state says nothing of what is at the API but the id: what an import begins with."""
    return all(
        value is None or name == "id" or name in kind.provider_only or name in kind.engine_attributes
        for name, value in prior.items()
    )


def _state(kind: ResourceType, id_: str, base: Values, keep: Any) -> Values:
    state: Values = {}
    for attribute in kind.block.attributes:
        if attribute.name == "id":
            state["id"] = id_
        elif attribute.write_only:
            state[attribute.name] = None
        elif attribute.name in kind.engine_attributes:
            state[attribute.name] = base.get(attribute.name)
        else:
            state[attribute.name] = keep(attribute)
    return state
