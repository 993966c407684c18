"""The plan of one resource: the changes, the attributes that require replacement, and the planned state.

Terraform's rules for a planned state are stricter than Pulumi's. A value of the configuration must appear in it
unchanged, or as in the prior state if the two are semantically equal. A known value must be the value after the apply.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, Final

from resourcekit.context import Context
from resourcekit.errors import CheckError, CheckFailure
from resourcekit.fields import field_specs
from resourcekit.planning.diff import Change, Diff
from resourcekit.planning.diff import ChangeKind as DiffKind
from resourcekit.planning.validate import validate_arguments, validate_declaration, with_unknown_references
from resourcekit.terraform import timeouts
from resourcekit.terraform.numbers import rounded_numbers
from resourcekit.terraform.planned_state import planned_state
from resourcekit.terraform.private_state import PrivateState
from resourcekit.terraform.resource_type import ResourceType
from resourcekit.terraform.schema import Values, write_only_name, write_only_version_name
from resourcekit.unknown import UNKNOWN, contains_unknown

_NOT_COMPARED: Final = (
    "cannot be compared with the value that `{}` had when the object was created. The new value is stored in the "
    "state and has no effect"
)


@dataclass(frozen=True)
class ResourcePlan:
    """The plan of one resource.

    Attributes:
        planned: The planned state, as wire values.
        replaces: The attributes whose change requires replacement.
        configured: The arguments that the configuration sets, write-only variants by their own names.
    """

    planned: Values
    replaces: tuple[str, ...]
    configured: frozenset[str]


@dataclass(frozen=True)
class ConfigDiff:
    """The difference between the configuration and the state.

    Attributes:
        args: The arguments of the configuration, in normal form.
        state: The declared state, plain.
        difference: The changes; a write-only value with a new version is one.
    """

    args: dict[str, Any]
    state: dict[str, Any]
    difference: Diff

    @property
    def changed(self) -> frozenset[str]:
        """The arguments that differ."""
        return self.difference.changed


def validated_arguments(kind: ResourceType, config: Values, *, validating: bool = False) -> dict[str, Any]:
    """Return the arguments in normal form.

    Args:
        kind: The resource type.
        config: The configuration.
        validating: Whether this is before any plan, when references may have invented values of `mock_provider`.

    Raises:
        CheckError: Arguments are invalid; the error has every failure.
    """
    arguments = kind.config_arguments(config)
    if validating:
        arguments = with_unknown_references(kind.resource.arguments, arguments)
    validated = validate_declaration(kind.resource, arguments)
    failures = [
        *validated.failures,
        *kind.conflicts(config),
        *timeouts.check_timeouts(kind.block.to_plain(config, timeouts.NAME)),
    ]
    if failures:
        raise CheckError(tuple(failures))
    return validated.values


def diff_config(
    kind: ResourceType, prior: Values, config: Values, memory: PrivateState, ctx: Context[Any] | None = None
) -> ConfigDiff:
    """Compare the configuration with the state.

    Args:
        kind: The resource type.
        prior: The state.
        config: The configuration.
        memory: The private state.
        ctx: The context for requests; None if the API cannot be reached yet.

    Raises:
        CheckError: An argument changed that must not change.
    """
    args = validated_arguments(kind, config)
    state = kind.state(prior)
    normal = {**state, **validate_arguments(kind.resource.arguments, kind.arguments_in(state)).values}
    # An argument that the API may also choose was configured only if the private state says so.
    old_inputs = {
        name: value
        for name, value in kind.arguments_in(normal).items()
        if name in memory.configured or not kind.arguments[name].computed
    }
    # If the previous configuration used the readable argument, values are compared. Otherwise only the
    # `_wo_version` shows a change.
    unseen = {
        name
        for name in kind.write_only_arguments(config)
        if name not in memory.configured or state[name] is None or contains_unknown(args[name])
    }
    readable_again = _readable_again(kind, state, config, memory)
    warnings: list[CheckFailure] = []
    for name in readable_again:
        value = kind.lifecycle.reported(name, state, ctx)
        if not contains_unknown(value):
            normal[name] = value
        elif kind.arguments[name].create_only:
            unseen.add(name)
            warnings.append(CheckFailure(name, _NOT_COMPARED.format(write_only_name(name))))
    difference = kind.lifecycle.diff(state=normal, old_inputs=old_inputs, news=args, ignore=unseen, ctx=ctx)
    versions = (
        Change(name, (write_only_version_name(name),), DiffKind.UPDATE, kind.arguments[name].requires_replace)
        for name in _new_versions(kind, prior, config, memory, readable_again)
    )
    return ConfigDiff(
        args,
        state,
        replace(difference, changes=(*difference.changes, *versions), warnings=(*difference.warnings, *warnings)),
    )


def _readable_again(
    kind: ResourceType, state: Mapping[str, Any], config: Values, memory: PrivateState
) -> frozenset[str]:
    """Return the readable arguments that were write-only at the last apply, or that an import left out."""
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
    """Return the plan of a create or an update.

    Args:
        kind: The resource type.
        prior: The state; None for a create.
        config: The configuration.
        memory: The private state.
        ctx: The context for requests; None if the API cannot be reached yet.
        again: Whether the engine is applying, and so has planned this before.

    Raises:
        CheckError: An argument is invalid, or changed and must not change.
        ResourceError: The object is protected, or the API refused a dry run.
    """
    # The first plan has sent the API the dry run, and the apply is about to send the request itself.
    review = None if again and not kind.resource.preview_sets_values else ctx
    rounded = rounded_numbers(kind, prior, config)
    if rounded:
        raise CheckError(tuple(rounded))
    configured = frozenset(
        name
        for name in (*kind.arguments, *map(write_only_name, kind.write_only_variants))
        if config.get(name) is not None
    )
    if prior is None:
        expected = kind.lifecycle.preview_create(validated_arguments(kind, config), review)
        return ResourcePlan(planned_state(kind, None, config, expected, frozenset()), (), configured)
    diff = diff_config(kind, prior, config, memory, ctx)
    state = diff.state
    decision = kind.lifecycle.plan_changes(
        kind.id(prior), diff.difference, args=diff.args, state=state, ctx=ctx, review=review is not None
    )
    # For a replacement, the engine requests the plan of a create as well, which sends the API the dry run.
    expected = kind.lifecycle.preview_update(diff.args, state, diff.changed, None if decision.replaces else review)
    expected.update(dict.fromkeys(decision.replacement_triggers, UNKNOWN))
    if kind.lifecycle.is_incomplete(state):
        expected.update(_missing_values(kind, state))
    by_argument = dict.fromkeys(change.path[0] for change in diff.difference.changes if change.replaces)
    replaces = (*by_argument, *decision.replacement_triggers)
    return ResourcePlan(planned_state(kind, prior, config, expected, diff.changed), replaces, configured)


def _new_versions(
    kind: ResourceType, prior: Values, config: Values, memory: PrivateState, readable_again: Set[str] = frozenset()
) -> tuple[str, ...]:
    """Return the arguments whose write-only value has changed according to its version.

    Args:
        kind: The resource type.
        prior: The state.
        config: The configuration.
        memory: The private state.
        readable_again: The arguments whose values are compared instead (`_readable_again`).

    Raises:
        CheckError: The version of a create-only argument changed.
    """
    changed = tuple(
        name
        for name in sorted(kind.write_only_variants - readable_again)
        if _is_new_version(name, prior, config, memory)
    )
    refusals = tuple(
        CheckFailure(
            write_only_version_name(name), f"acts only when the object is created. {kind.arguments[name].create_only}"
        )
        for name in changed
        # Removing a create-only argument is not a change: it has acted already.
        if kind.arguments[name].create_only
        and prior.get(write_only_version_name(name)) is not None
        and _is_configured(name, config)
    )
    if refusals:
        raise CheckError(refusals)
    return tuple(name for name in changed if not kind.arguments[name].create_only)


def _is_configured(name: str, config: Values) -> bool:
    return any(config.get(each) is not None for each in (name, write_only_name(name), write_only_version_name(name)))


def _is_new_version(name: str, prior: Values, config: Values, memory: PrivateState) -> bool:
    before, now = prior.get(write_only_version_name(name)), config.get(write_only_version_name(name))
    if before is not None or now is None:
        return bool(before != now)
    # A first version belongs to the value that is there: imported, or configured without a version so far. It means
    # a new value only if the last apply is known to have had none.
    return bool(memory.configured and config.get(write_only_name(name)) is not None) and not memory.configured & {
        name,
        write_only_name(name),
    }


def _missing_values(kind: ResourceType, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return an incomplete object's computed values that the API has not reported yet, as unknown."""
    return {
        name: UNKNOWN
        for name, facts in field_specs(kind.resource.state).items()
        if facts.computed and (state.get(name) is None or not facts.stable) and name not in kind.arguments
    }
