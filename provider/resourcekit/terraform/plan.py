"""The plan of one resource: what changes, what makes it anew, and the state that comes of it as far as it is known.

Terraform demands more than Pulumi of that state. What the program gives must stand in it exactly as given, or, where
the two mean the same, as it stood before; and what it holds as known must be what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, Final

from resourcekit.context import Context
from resourcekit.errors import CheckError, CheckFailure
from resourcekit.fields import field_specs, without_nulls
from resourcekit.planning.diff import Change, Diff
from resourcekit.planning.diff import ChangeKind as DiffKind
from resourcekit.planning.validate import validate_arguments, validate_declaration, with_unknown_references
from resourcekit.terraform import timeouts
from resourcekit.terraform.cty.encode import encode
from resourcekit.terraform.cty.msgpack import WIRE_UNKNOWN, WireValue, wire_contains_unknown
from resourcekit.terraform.numbers import rounded_numbers
from resourcekit.terraform.private_state import PrivateState
from resourcekit.terraform.resource_type import ResourceType
from resourcekit.terraform.schema import Attribute, Values, write_only_name, write_only_version_name
from resourcekit.unknown import UNKNOWN, contains_unknown

_NOT_COMPARED: Final = (
    "cannot be compared with the value that `{}` had when the object was created. The new value is stored in the "
    "state and has no effect"
)


@dataclass(frozen=True)
class ResourcePlan:
    """planned: the state, on the wire. replaces: the attributes whose change makes a new object. given: the arguments
    that the program sets.
    """

    planned: Values
    replaces: tuple[str, ...]
    given: frozenset[str]


@dataclass(frozen=True)
class ConfigDiff:
    """What differs between the program and the state, write-only values with a new version included."""

    args: dict[str, Any]
    state: dict[str, Any]
    difference: Diff

    @property
    def changed(self) -> frozenset[str]:
        """The arguments that differ."""
        return self.difference.changed


def validated_arguments(kind: ResourceType, config: Values, *, validating: bool = False) -> dict[str, Any]:
    """The arguments in normal form. Raises CheckFailed with everything that is wrong.

    validating: before any plan, when references may hold values that `mock_provider` made up.
    """
    given = kind.config_arguments(config)
    if validating:
        given = with_unknown_references(kind.resource.arguments, given)
    found = validate_declaration(kind.resource, given)
    failures = [
        *found.failures,
        *kind.conflicts(config),
        *timeouts.check_timeouts(kind.block.to_plain(config, timeouts.NAME)),
    ]
    if failures:
        raise CheckError(tuple(failures))
    return found.values


def diff_config(
    kind: ResourceType, prior: Values, config: Values, memory: PrivateState, ctx: Context[Any] | None = None
) -> ConfigDiff:
    """Compare the program with the state. Raises CheckFailed for what may not change.

    ctx: None while the API cannot be asked.
    """
    args = validated_arguments(kind, config)
    state = kind.state(prior)
    normal = {**state, **validate_arguments(kind.resource.arguments, kind.arguments_in(state)).values}
    # An argument that the API may also choose was given by the program only if we remember that.
    old_inputs = {
        name: value
        for name, value in kind.arguments_in(normal).items()
        if name in memory.configured or not kind.arguments[name].computed
    }
    # Where the program had the value in the open, it can be compared; otherwise its version alone tells of a change.
    unseen = {
        name
        for name in kind.write_only_arguments(config)
        if name not in memory.configured or state[name] is None or contains_unknown(args[name])
    }
    returned = _returned(kind, state, config, memory)
    notes: list[CheckFailure] = []
    for name in returned:
        value = kind.lifecycle.reported(name, state, ctx)
        if not contains_unknown(value):
            normal[name] = value
        elif kind.arguments[name].create_only:
            unseen.add(name)
            notes.append(CheckFailure(name, _NOT_COMPARED.format(write_only_name(name))))
    difference = kind.lifecycle.diff(state=normal, old_inputs=old_inputs, news=args, ignore=unseen, ctx=ctx)
    versions = (
        Change(name, (write_only_version_name(name),), DiffKind.UPDATE, kind.arguments[name].requires_replace)
        for name in _new_versions(kind, prior, config, memory, returned)
    )
    difference = replace(difference, changes=(*difference.changes, *versions), warnings=(*difference.warnings, *notes))
    return ConfigDiff(args, state, difference)


def _returned(kind: ResourceType, state: Mapping[str, Any], config: Values, memory: PrivateState) -> frozenset[str]:
    """The arguments that are given in the open and were write-only at the last apply, or left out by an import."""
    hidden = (
        {name for name in kind.write_only_variants if write_only_name(name) in memory.configured}
        if memory.configured
        else kind.omittable_on_import
    )
    return frozenset(name for name in hidden if state[name] is None and config.get(name) is not None)


def plan(
    kind: ResourceType,
    prior: Values | None,
    config: Values,
    memory: PrivateState,
    ctx: Context[Any] | None,
    *,
    again: bool = False,
) -> ResourcePlan:
    """prior: None for a create. ctx: None while the API cannot be asked. again: whether the engine is applying, so that
    it has planned this before.
    """
    # Whether the API would take it was asked then, and the API is about to say so itself.
    review = None if again and not kind.resource.preview_sets_values else ctx
    rounded = rounded_numbers(kind, prior, config)
    if rounded:
        raise CheckError(tuple(rounded))
    given = frozenset(
        name
        for name in (*kind.arguments, *map(write_only_name, kind.write_only_variants))
        if config.get(name) is not None
    )
    if prior is None:
        expected = kind.lifecycle.preview_create(validated_arguments(kind, config), review)
        return ResourcePlan(_planned(kind, None, config, expected, frozenset()), (), given)
    found = diff_config(kind, prior, config, memory, ctx)
    state = found.state
    decision = kind.lifecycle.plan_changes(
        kind.id(prior), found.difference, args=found.args, state=state, ctx=ctx, review=review is not None
    )
    # Where a new object is made, the engine requests a plan of a create as well: the API is asked then.
    expected = kind.lifecycle.preview_update(found.args, state, found.changed, None if decision.replaces else review)
    expected.update(dict.fromkeys(decision.replacement_triggers, UNKNOWN))
    if kind.lifecycle.is_incomplete(state):
        expected.update(_to_be_waited_for(kind, state))
    by_argument = dict.fromkeys(change.path[0] for change in found.difference.changes if change.replaces)
    replaces = (*by_argument, *decision.replacement_triggers)
    return ResourcePlan(_planned(kind, prior, config, expected, found.changed), replaces, given)


def _new_versions(
    kind: ResourceType, prior: Values, config: Values, memory: PrivateState, returned: Set[str] = frozenset()
) -> tuple[str, ...]:
    """The arguments whose write-only value has changed, as their version says.

    returned: arguments that are given in the open again, so that their values are compared, not their versions.
    """
    changed = tuple(
        name for name in sorted(kind.write_only_variants - returned) if _is_new_version(name, prior, config, memory)
    )
    refusals = tuple(
        CheckFailure(
            write_only_version_name(name), f"acts only when the object is created. {kind.arguments[name].create_only}"
        )
        for name in changed
        # Taking a create-only argument out is no change: it has acted.
        if kind.arguments[name].create_only
        and prior.get(write_only_version_name(name)) is not None
        and _is_given(name, config)
    )
    if refusals:
        raise CheckError(refusals)
    return tuple(name for name in changed if not kind.arguments[name].create_only)


def _is_given(name: str, config: Values) -> bool:
    return any(config.get(each) is not None for each in (name, write_only_name(name), write_only_version_name(name)))


def _is_new_version(name: str, prior: Values, config: Values, memory: PrivateState) -> bool:
    before, now = prior.get(write_only_version_name(name)), config.get(write_only_version_name(name))
    if before is not None or now is None:
        return bool(before != now)
    # A first version begins to count beside the value that is there: imported, or given so far in the open or without
    # one. It stands for a new value only where the last apply is known to have been given none.
    return bool(memory.configured and config.get(write_only_name(name)) is not None) and not memory.configured & {
        name,
        write_only_name(name),
    }


def _to_be_waited_for(kind: ResourceType, state: Mapping[str, Any]) -> dict[str, Any]:
    """What an unfinished object has yet to get."""
    return {
        name: UNKNOWN
        for name, facts in field_specs(kind.resource.state).items()
        if facts.computed and (state.get(name) is None or not facts.stable) and name not in kind.arguments
    }


def _planned(
    kind: ResourceType, prior: Values | None, config: Values, expected: Mapping[str, Any], changed: frozenset[str]
) -> Values:
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
            # Given by the program, or Terraform's own (`timeouts`, versions of write-only values).
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


def merge_prior_spelling(attribute: Attribute, before: WireValue, given: WireValue) -> WireValue:
    """Of two spellings of the same value the one that stands in the state, as far as Terraform lets it stand."""
    if given is None or before is None or wire_contains_unknown(given):
        return given
    if attribute.nesting == "map" and isinstance(before, Mapping) and isinstance(given, Mapping):
        # Entries that are null are no entries, so the spelling in the state decides which of them there are.
        keys = before if without_nulls(before).keys() == without_nulls(given).keys() else given
        return {key: _blend_parts(attribute, before.get(key), given.get(key)) for key in keys}
    if attribute.nesting == "single":
        return _blend_parts(attribute, before, given)
    return before


def _blend_parts(attribute: Attribute, before: WireValue, given: WireValue) -> WireValue:
    if not isinstance(before, Mapping) or not isinstance(given, Mapping):
        return given
    return {
        part.name: before.get(part.name)
        if given.get(part.name) is None and part.computed
        else merge_prior_spelling(part, before.get(part.name), given.get(part.name))
        for part in attribute.nested
    }
