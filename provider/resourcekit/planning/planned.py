"""The state that a change would lead to, as far as it is known beforehand; and the inputs that a read stands for."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from resourcekit.declaration import Result, fields_of, plain
from resourcekit.resource import Resource
from resourcekit.unknown import UNKNOWN


def planned_create(resource: Resource[Any, Any, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as given; what the API fills in is UNKNOWN; the rest is null."""
    return {
        name: args.get(name, UNKNOWN if facts.computed else None) for name, facts in fields_of(resource.state).items()
    }


def planned_update(
    resource: Resource[Any, Any, Any], args: Mapping[str, Any], prior: Mapping[str, Any], changed: Set[str]
) -> dict[str, Any]:
    """The prior state with the changed arguments; computed values are UNKNOWN unless nothing moves them."""
    planned: dict[str, Any] = {}
    arguments = fields_of(resource.arguments)
    for name, facts in fields_of(resource.state).items():
        if name in args:
            planned[name] = args[name]
        elif name in arguments and not facts.computed:
            planned[name] = None
        elif _moves(facts.stable, frozenset(facts.moves_with), changed, cleared=name in changed):
            planned[name] = UNKNOWN
        else:
            planned[name] = prior.get(name)
    return planned


def _moves(stable: bool, moves_with: Set[str], changed: Set[str], *, cleared: bool) -> bool:  # noqa: FBT001
    if cleared:
        return True
    return bool(changed) and not stable and (not moves_with or bool(moves_with & changed))


def live_inputs(
    resource: Resource[Any, Any, Any], prior_inputs: Mapping[str, Any], state: Result, *, imported: bool
) -> dict[str, Any]:
    """The arguments that would give what is there now, so that a refresh shows drift in them.

    On refresh: the arguments that the program had set, with today's values (none, where there is none any more);
    what the API never reports keeps its old value. On import: every argument that the API reports, except the
    clearable ones (an override cannot be told from a plan's default, api-facts S12) and the engine's own.
    """
    live: dict[str, Any] = {}
    for name, facts in fields_of(resource.arguments).items():
        value = plain(getattr(state, name, None))
        if imported:
            if value is not None and not (facts.clearable or facts.local or facts.create_only):
                live[name] = value
        elif name in prior_inputs:
            prior = prior_inputs[name]
            unreported = facts.local or facts.create_only is not None
            if unreported or facts.same(prior, value):
                live[name] = prior
            elif value is not None:
                live[name] = value
    return live
