"""The state after an operation: the values that the API reported, in the spelling that Terraform expects."""

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


def state_after_apply(kind: ResourceType, id_: str, reported: Mapping[str, Any], planned: Values, warn: Warn) -> Values:
    """Return the state after a create or an update.

    A value that the plan knew stays as planned, null included. If the API reports another one, the next refresh shows
    drift. So the value of a write-only argument, whose variant is null in the plan, never enters the state.

    A value that cannot be encoded is stored as null with a warning, so that the object is not lost.

    Args:
        kind: The resource type.
        id_: The object's id.
        reported: The declared state that the API reported.
        planned: The planned state.
        warn: Receives the warnings.
    """

    def keep(attribute: Attribute) -> WireValue:
        expected = planned.get(attribute.name)
        if not wire_contains_unknown(expected):
            return expected
        try:
            return encode(attribute.type, reported[attribute.name])
        except WireError as error:
            warn(
                f"the API's value cannot be stored in the state, which has null instead ({error.reason})",
                attribute=attribute.name,
            )
            return None

    return _state(kind, id_, planned, keep)


def minimal_state(id_: str, planned: Values) -> Values:
    """Return the state of an object that was just created and not read yet: its id and the planned values."""
    return {**{name: None if wire_contains_unknown(value) else value for name, value in planned.items()}, "id": id_}


def state_after_read(
    kind: ResourceType, id_: str, reported: Mapping[str, Any], prior: Values, omitted: Set[str] = frozenset()
) -> Values:
    """Return the state after a read. A value that is semantically equal to the prior one stays as it was.

    Args:
        kind: The resource type.
        id_: The object's id.
        reported: The declared state that the API reported.
        prior: The state before the read.
        omitted: The arguments that an import leaves out of the state.
    """
    imported = is_import(kind, prior)

    @functools.cache
    def normal() -> dict[str, Any]:
        return validate_arguments(kind.resource.arguments, kind.arguments_in(kind.state(prior))).values

    def keep(attribute: Attribute) -> WireValue:
        name = attribute.name
        if imported and name in omitted:
            return None
        value = encode(attribute.type, reported[name])
        if imported and kind.is_null_equivalent(name, value):
            return encode(attribute.type, kind.null_equivalents[name])  # a configuration may omit it or set it
        facts = kind.arguments.get(name)
        if facts is None or imported:
            return value
        before = prior.get(name)
        return before if value == before or facts.semantically_equal(normal().get(name), reported[name]) else value

    return _state(kind, id_, prior, keep)


def is_import(kind: ResourceType, prior: Values) -> bool:
    """Return whether a state has no value of the API but the id, as an import's first state has."""
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
