"""The planned state of one resource, and the configuration that an apply carries out."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from resourcekit.fields import without_nulls
from resourcekit.terraform.cty.encode import encode
from resourcekit.terraform.cty.msgpack import WIRE_UNKNOWN, WireValue, wire_contains_unknown
from resourcekit.terraform.resource_type import ResourceType
from resourcekit.terraform.schema import Attribute, Values
from resourcekit.unknown import UNKNOWN


def planned_state(
    kind: ResourceType, prior: Values | None, config: Values, expected: Mapping[str, Any], changed: frozenset[str]
) -> Values:
    """Return the planned state.

    Args:
        kind: The resource type.
        prior: The state; None for a create.
        config: The configuration.
        expected: The declared state after the apply, plain; UNKNOWN for values that the plan does not know.
        changed: The arguments that differ between the configuration and the state.
    """
    before = prior or {}
    planned: Values = {}
    for attribute in kind.block.attributes:
        name = attribute.name
        if name == "id":
            planned[name] = before.get(name, WIRE_UNKNOWN)
        elif attribute.write_only:
            planned[name] = None
        elif config.get(name) is None and kind.is_null_equivalent(name, before.get(name)):
            planned[name] = before.get(name)
        elif config.get(name) is None and name in kind.write_only_variants:
            planned[name] = None
        elif name not in expected or (name in kind.arguments and config.get(name) is not None):
            # Set by the configuration, or Terraform's own (`timeouts`, versions of write-only values).
            keep = name in expected and name not in changed
            planned[name] = (
                merge_prior_spelling(attribute, before.get(name), config.get(name)) if keep else config.get(name)
            )
        elif expected[name] is not UNKNOWN and expected[name] == _plain_before(kind, prior, name):
            planned[name] = before.get(name)
        else:
            planned[name] = encode(attribute.type, expected[name])
    return planned


def _plain_before(kind: ResourceType, prior: Values | None, name: str) -> Any:
    return None if prior is None else kind.block.to_plain(prior, name)


def merge_prior_spelling(attribute: Attribute, before: WireValue, configured: WireValue) -> WireValue:
    """Return the state's spelling of two semantically equal values, as far as Terraform accepts it.

    Args:
        attribute: The attribute.
        before: The value in the state.
        configured: The value in the configuration.
    """
    if configured is None or before is None or wire_contains_unknown(configured):
        return configured
    if attribute.nesting == "map" and isinstance(before, Mapping) and isinstance(configured, Mapping):
        # A null entry means no entry, so the state's spelling decides which null entries there are.
        keys = before if without_nulls(before).keys() == without_nulls(configured).keys() else configured
        return {key: _merge_parts(attribute, before.get(key), configured.get(key)) for key in keys}
    if attribute.nesting == "single":
        return _merge_parts(attribute, before, configured)
    return before


def _merge_parts(attribute: Attribute, before: WireValue, configured: WireValue) -> WireValue:
    if not isinstance(before, Mapping) or not isinstance(configured, Mapping):
        return configured
    return {
        part.name: before.get(part.name)
        if configured.get(part.name) is None and part.computed
        else merge_prior_spelling(part, before.get(part.name), configured.get(part.name))
        for part in attribute.nested
    }


def config_as_planned(kind: ResourceType, planned: Values, config: Values, configured: Set[str]) -> Values:
    """Return the configuration that the plan was made from, as far as the planned state contains it.

    The engine sends the raw configuration to an apply. The plan was made from another one, in which the engine had
    restored the attributes that `ignore_changes` names. The user therefore approved the planned state. The
    configuration only adds the write-only values, which no plan contains.

    Args:
        kind: The resource type.
        planned: The planned state.
        config: The raw configuration of the apply.
        configured: The arguments that the planned configuration set, write-only variants by their own names. Empty for
            a plan without that record: then those that `config` sets.
    """
    names = configured or {name for name, value in config.items() if value is not None}
    values: Values = {}
    for attribute in kind.block.attributes:
        name = attribute.name
        if name in names or name in kind.engine_attributes:
            values[name] = config.get(name) if attribute.write_only else planned.get(name)
    return {**dict.fromkeys(kind.block.types), **values}
