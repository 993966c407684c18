"""The state that a change would lead to, as far as it is known beforehand; and the inputs that a read stands for."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from resourcekit.fields import FieldSpec, Result, field_specs, to_plain
from resourcekit.resource import Resource
from resourcekit.unknown import UNKNOWN


def plan_create(resource: Resource[Any, Any, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as given; what the API fills in is UNKNOWN; the rest is null."""
    return {
        name: args.get(name, UNKNOWN if facts.computed else None) for name, facts in field_specs(resource.state).items()
    }


def plan_update(
    resource: Resource[Any, Any, Any], args: Mapping[str, Any], prior: Mapping[str, Any], changed: Set[str]
) -> dict[str, Any]:
    """The prior state with the changed arguments; computed values are UNKNOWN unless nothing moves them."""
    planned: dict[str, Any] = {}
    arguments = field_specs(resource.arguments)
    at_the_api = frozenset(name for name in changed if name not in arguments or not arguments[name].provider_only)
    for name, facts in field_specs(resource.state).items():
        if name in args:
            planned[name] = args[name]
        elif name in arguments and not facts.computed:
            planned[name] = None
        elif name in changed or _moves(facts, changed, at_the_api):
            planned[name] = UNKNOWN
        else:
            planned[name] = prior.get(name)
    return planned


def _moves(facts: FieldSpec, changed: Set[str], at_the_api: Set[str]) -> bool:
    """at_the_api: those of the changes that the API sees; the others move only what names them."""
    if facts.stable:
        return False
    return bool(changed & set(facts.changes_with) if facts.changes_with else at_the_api)


def inputs_from_state(
    resource: Resource[Any, Any, Any], prior_inputs: Mapping[str, Any], state: Result, *, imported: bool
) -> dict[str, Any]:
    """The arguments that would give what is there now, so that a refresh shows drift in them.

    On refresh: the arguments that the program had set, with today's values (none, where there is none any more);
    what the API never reports keeps its old value. On import: every argument that the API reports, except the
    clearable ones (an override cannot be told from a plan's default, api-facts S12) and the engine's own.
    """
    live: dict[str, Any] = {}
    for name, facts in field_specs(resource.arguments).items():
        value = to_plain(getattr(state, name, None))
        if imported:
            if value is not None and not (facts.reset_on_remove or facts.provider_only or facts.create_only):
                live[name] = value
        elif name in prior_inputs:
            prior = prior_inputs[name]
            unreported = facts.provider_only or facts.create_only is not None
            if unreported or facts.semantically_equal(prior, value):
                live[name] = prior
            elif value is not None:
                live[name] = value
    return live
