"""The plan of one resource: what changes, what makes it anew, and the state that comes of it as far as it is known.

Terraform demands more than Pulumi of that state. What the program gives must stand in it exactly as given, or, where
the two mean the same, as it stood before; and what it holds as known must be what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, Final

from resourcekit.context import Context
from resourcekit.declaration import fields_of
from resourcekit.errors import CheckFailed, Failure
from resourcekit.planning.check import check_arguments, check_declared, with_unknown_references
from resourcekit.planning.diff import Change, Difference
from resourcekit.planning.diff import Kind as DiffKind
from resourcekit.sameness import without_nulls
from resourcekit.terraform import durations
from resourcekit.terraform.blocks import Attribute, Values, twin, twin_version
from resourcekit.terraform.kinds import Kind
from resourcekit.terraform.memory import Memory
from resourcekit.terraform.numbers import rounded_numbers
from resourcekit.terraform.values import WIRE_UNKNOWN, Wire, is_unknown
from resourcekit.terraform.writing import wire
from resourcekit.unknown import UNKNOWN, has_unknown

_NOT_COMPARED: Final = (
    "cannot be compared with the value that `{}` had when the object was created. The new value is stored in the "
    "state and has no effect"
)


@dataclass(frozen=True)
class Plan:
    """planned: the state, on the wire. replaces: the attributes whose change makes a new object. given: the arguments
    that the program sets.
    """

    planned: Values
    replaces: tuple[str, ...]
    given: frozenset[str]


@dataclass(frozen=True)
class Changes:
    """What differs between the program and the state, write-only values with a new version included."""

    args: dict[str, Any]
    state: dict[str, Any]
    difference: Difference

    @property
    def changed(self) -> frozenset[str]:
        """The arguments that differ."""
        return self.difference.changed


def checked(kind: Kind, config: Values, *, validating: bool = False) -> dict[str, Any]:
    """The arguments in normal form. Raises CheckFailed with everything that is wrong.

    validating: before any plan, when references may hold values that `mock_provider` made up.
    """
    given = kind.given(config)
    if validating:
        given = with_unknown_references(kind.resource.arguments, given)
    found = check_declared(kind.resource, given)
    failures = [
        *found.failures,
        *kind.conflicts(config),
        *durations.failures(kind.block.plain(config, durations.NAME)),
    ]
    if failures:
        raise CheckFailed(tuple(failures))
    return found.values


def changes(kind: Kind, prior: Values, config: Values, memory: Memory, ctx: Context[Any] | None = None) -> Changes:
    """Compare the program with the state. Raises CheckFailed for what may not change.

    ctx: None while the API cannot be asked.
    """
    args = checked(kind, config)
    state = kind.state(prior)
    normal = {**state, **check_arguments(kind.resource.arguments, kind.arguments_in(state)).values}
    # An argument that the API may also choose was given by the program only if we remember that.
    old_inputs = {
        name: value
        for name, value in kind.arguments_in(normal).items()
        if name in memory.given or not kind.arguments[name].computed
    }
    # Where the program had the value in the open, it can be compared; otherwise its version alone tells of a change.
    unseen = {
        name
        for name in kind.written_only(config)
        if name not in memory.given or state[name] is None or has_unknown(args[name])
    }
    returned = _returned(kind, state, config, memory)
    notes: list[Failure] = []
    for name in returned:
        value = kind.lifecycle.reported(name, state, ctx)
        if not has_unknown(value):
            normal[name] = value
        elif kind.arguments[name].create_only:
            unseen.add(name)
            notes.append(Failure(name, _NOT_COMPARED.format(twin(name))))
    difference = kind.lifecycle.difference(state=normal, old_inputs=old_inputs, news=args, ignore=unseen, ctx=ctx)
    versions = (
        Change(name, (twin_version(name),), DiffKind.UPDATE, kind.arguments[name].replaces)
        for name in _new_versions(kind, prior, config, memory, returned)
    )
    difference = replace(difference, changes=(*difference.changes, *versions), notes=(*difference.notes, *notes))
    return Changes(args, state, difference)


def _returned(kind: Kind, state: Mapping[str, Any], config: Values, memory: Memory) -> frozenset[str]:
    """The arguments that are given in the open and were write-only at the last apply, or left out by an import."""
    hidden = {name for name in kind.twins if twin(name) in memory.given} if memory.given else kind.withholdable
    return frozenset(name for name in hidden if state[name] is None and config.get(name) is not None)


def plan(
    kind: Kind, prior: Values | None, config: Values, memory: Memory, ctx: Context[Any] | None, *, again: bool = False
) -> Plan:
    """prior: None for a create. ctx: None while the API cannot be asked. again: whether the engine is applying, so that
    it has planned this before.
    """
    # Whether the API would take it was asked then, and the API is about to say so itself.
    review = None if again and not kind.resource.foretells else ctx
    rounded = rounded_numbers(kind, prior, config)
    if rounded:
        raise CheckFailed(tuple(rounded))
    given = frozenset(name for name in (*kind.arguments, *map(twin, kind.twins)) if config.get(name) is not None)
    if prior is None:
        expected = kind.lifecycle.preview_create(checked(kind, config), review)
        return Plan(_planned(kind, None, config, expected, frozenset()), (), given)
    found = changes(kind, prior, config, memory, ctx)
    state = found.state
    decision = kind.lifecycle.plan_changes(
        kind.id(prior), found.difference, args=found.args, state=state, ctx=ctx, review=review is not None
    )
    # Where a new object is made, the engine requests a plan of a create as well: the API is asked then.
    expected = kind.lifecycle.preview_update(found.args, state, found.changed, None if decision.replaces else review)
    expected.update(dict.fromkeys(decision.replacement_triggers, UNKNOWN))
    if kind.lifecycle.unfinished(state):
        expected.update(_to_be_waited_for(kind, state))
    by_argument = dict.fromkeys(change.path[0] for change in found.difference.changes if change.replaces)
    replaces = (*by_argument, *decision.replacement_triggers)
    return Plan(_planned(kind, prior, config, expected, found.changed), replaces, given)


def _new_versions(
    kind: Kind, prior: Values, config: Values, memory: Memory, returned: Set[str] = frozenset()
) -> tuple[str, ...]:
    """The arguments whose write-only value has changed, as their version says.

    returned: arguments that are given in the open again, so that their values are compared, not their versions.
    """
    changed = tuple(name for name in sorted(kind.twins - returned) if _is_new_version(name, prior, config, memory))
    refusals = tuple(
        Failure(twin_version(name), f"acts only when the object is created. {kind.arguments[name].create_only}")
        for name in changed
        # Taking a create-only argument out is no change: it has acted.
        if kind.arguments[name].create_only and prior.get(twin_version(name)) is not None and _is_given(name, config)
    )
    if refusals:
        raise CheckFailed(refusals)
    return tuple(name for name in changed if not kind.arguments[name].create_only)


def _is_given(name: str, config: Values) -> bool:
    return any(config.get(each) is not None for each in (name, twin(name), twin_version(name)))


def _is_new_version(name: str, prior: Values, config: Values, memory: Memory) -> bool:
    before, now = prior.get(twin_version(name)), config.get(twin_version(name))
    if before is not None or now is None:
        return bool(before != now)
    # A first version begins to count beside the value that is there: imported, or given so far in the open or without
    # one. It stands for a new value only where the last apply is known to have been given none.
    return bool(memory.given and config.get(twin(name)) is not None) and not memory.given & {name, twin(name)}


def _to_be_waited_for(kind: Kind, state: Mapping[str, Any]) -> dict[str, Any]:
    """What an unfinished object has yet to get."""
    return {
        name: UNKNOWN
        for name, facts in fields_of(kind.resource.state).items()
        if facts.computed and (state.get(name) is None or not facts.stable) and name not in kind.arguments
    }


def _planned(
    kind: Kind, prior: Values | None, config: Values, expected: Mapping[str, Any], changed: frozenset[str]
) -> Values:
    before = prior or {}
    planned: Values = {}
    for attribute in kind.block.attributes:
        name = attribute.name
        if name == "id":
            planned[name] = before.get(name, WIRE_UNKNOWN)
        elif attribute.write_only:
            planned[name] = None
        elif config.get(name) is None and kind.is_absence(name, before.get(name)):
            planned[name] = before.get(name)
        elif config.get(name) is None and name in kind.twins:
            planned[name] = None
        elif name not in expected or (name in kind.arguments and config.get(name) is not None):
            # Given by the program, or Terraform's own (`timeouts`, versions of write-only values).
            keep = name in expected and name not in changed
            planned[name] = blend(attribute, before.get(name), config.get(name)) if keep else config.get(name)
        elif expected[name] is not UNKNOWN and expected[name] == _plain_before(kind, prior, name):
            planned[name] = before.get(name)
        else:
            planned[name] = wire(attribute.type, expected[name])
    return planned


def _plain_before(kind: Kind, prior: Values | None, name: str) -> Any:
    return None if prior is None else kind.block.plain(prior, name)


def blend(attribute: Attribute, before: Wire, given: Wire) -> Wire:
    """Of two spellings of the same value the one that stands in the state, as far as Terraform lets it stand."""
    if given is None or before is None or is_unknown(given):
        return given
    if attribute.nesting == "map" and isinstance(before, Mapping) and isinstance(given, Mapping):
        # Entries that are null are no entries, so the spelling in the state decides which of them there are.
        keys = before if without_nulls(before).keys() == without_nulls(given).keys() else given
        return {key: _blend_parts(attribute, before.get(key), given.get(key)) for key in keys}
    if attribute.nesting == "single":
        return _blend_parts(attribute, before, given)
    return before


def _blend_parts(attribute: Attribute, before: Wire, given: Wire) -> Wire:
    if not isinstance(before, Mapping) or not isinstance(given, Mapping):
        return given
    return {
        part.name: before.get(part.name)
        if given.get(part.name) is None and part.computed
        else blend(part, before.get(part.name), given.get(part.name))
        for part in attribute.nested
    }
