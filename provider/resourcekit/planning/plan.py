"""The planned state of a create or an update, and the arguments that correspond to a state that was read."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from resourcekit.fields import FieldSpec, Result, field_specs, to_plain
from resourcekit.resource import Resource
from resourcekit.unknown import UNKNOWN


def plan_create(resource: Resource[Any, Any, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the planned state of a create: the arguments, UNKNOWN for computed fields, and null for the rest."""
    return {
        name: args.get(name, UNKNOWN if spec.computed else None) for name, spec in field_specs(resource.state).items()
    }


def plan_update(
    resource: Resource[Any, Any, Any], args: Mapping[str, Any], prior: Mapping[str, Any], changed: Set[str]
) -> dict[str, Any]:
    """Return the planned state of an update: the prior state with the new arguments.

    A computed field is UNKNOWN if a change may affect it (`Computed.changes_with`).
    """
    planned: dict[str, Any] = {}
    arguments = field_specs(resource.arguments)
    changed_at_api = frozenset(name for name in changed if name not in arguments or not arguments[name].provider_only)
    for name, spec in field_specs(resource.state).items():
        if name in args:
            planned[name] = args[name]
        elif name in arguments and not spec.computed:
            planned[name] = None
        elif name in changed or _is_affected(spec, changed, changed_at_api):
            planned[name] = UNKNOWN
        else:
            planned[name] = prior.get(name)
    return planned


def _is_affected(spec: FieldSpec, changed: Set[str], changed_at_api: Set[str]) -> bool:
    """Return whether a change may affect a computed field.

    Arguments that are not sent to the API affect only fields that name them.
    """
    if spec.stable:
        return False
    return bool(changed & set(spec.changes_with) if spec.changes_with else changed_at_api)


def inputs_from_state(
    resource: Resource[Any, Any, Any], prior_inputs: Mapping[str, Any], state: Result, *, imported: bool
) -> dict[str, Any]:
    """Return the arguments that correspond to a state, so that a refresh shows drift.

    A refresh returns the arguments that the program had set, with the current values, or without those that have none
    any more. Arguments that the API never reports stay as they were. An import returns every argument that the API
    reports, except `ResetOnRemove` ones (a set value looks like the plan's default, api-facts S12) and
    `ProviderOnly` ones.
    """
    inputs: dict[str, Any] = {}
    for name, spec in field_specs(resource.arguments).items():
        value = to_plain(getattr(state, name, None))
        if imported:
            if value is not None and not (spec.reset_on_remove or spec.provider_only or spec.create_only):
                inputs[name] = value
        elif name in prior_inputs:
            prior = prior_inputs[name]
            unreported = spec.provider_only or spec.create_only is not None
            if unreported or spec.semantically_equal(prior, value):
                inputs[name] = prior
            elif value is not None:
                inputs[name] = value
    return inputs
