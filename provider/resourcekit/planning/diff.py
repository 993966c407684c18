"""Diff: what would change, and how: in place, by replacement, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from resourcekit.errors import CheckFailure
from resourcekit.fields import Arguments, FieldSpec, field_specs, json_equal
from resourcekit.unknown import contains_unknown, drop_unknowns


class ChangeKind(Enum):
    """What happens to a property."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One property's change. path: `variables.tenant` for an entry of a map, else the argument's name."""

    name: str
    path: tuple[str, ...]
    kind: ChangeKind
    replaces: bool


@dataclass(frozen=True)
class Diff:
    """All changes, and those which are refused (create-only arguments). notes: why the others are accepted, each by
    its argument.
    """

    changes: tuple[Change, ...] = ()
    errors: tuple[CheckFailure, ...] = field(default=())
    warnings: tuple[CheckFailure, ...] = ()

    @property
    def changed(self) -> frozenset[str]:
        """The arguments that differ."""
        return frozenset(change.name for change in self.changes)

    @property
    def replaces(self) -> bool:
        """Whether the object must be made anew."""
        return any(change.replaces for change in self.changes)


def diff(
    model: type[Arguments],
    *,
    state: Mapping[str, Any],
    old_inputs: Mapping[str, Any],
    news: Mapping[str, Any],
    ignore: Iterable[str] = (),
    recorded: Iterable[str] = (),
) -> Diff:
    """Compare the program's arguments with what is there (`state`, as last read), not with what was last asked for.

    So a drift that a refresh found shows as a change, and a value that the API already has does not. Where the
    state says nothing of an argument (write-only), the old input stands in. An argument that is left out changes
    something only if it was given before and is `ResetOnRemove` or has no say of the API's own.

    A create-only argument's change is refused, but for those in `recorded`: they change in the state alone. What is
    not known yet may turn out to be the old value, so it is not refused before it is known.
    """
    ignored, kept = frozenset(ignore), frozenset(recorded)
    changes: list[Change] = []
    refusals: list[CheckFailure] = []
    for name, facts in field_specs(model).items():
        if name in ignored:
            continue
        there = state.get(name)
        if there is None:
            there = old_inputs.get(name)
        new = news.get(name)
        found = _change(facts, there, old_inputs.get(name), new)
        open_ = name in kept or (there is not None and contains_unknown(new))
        if found and facts.create_only and not open_:
            refusals.append(CheckFailure(name, f"acts only when the object is created. {facts.create_only}"))
        else:
            changes.extend(found)
    if any(change.replaces for change in changes):
        # What is made anew is created with today's arguments: nothing is left to refuse.
        refusals.clear()
    return Diff(tuple(changes), tuple(refusals))


def _change(facts: FieldSpec, there: Any, old_input: Any, new: Any) -> list[Change]:
    if new is None:
        keeps = facts.create_only or (facts.computed and not facts.reset_on_remove)
        if keeps or old_input is None or there is None or facts.semantically_equal(there, facts.default):
            return []
        return [Change(facts.name, (facts.name,), ChangeKind.DELETE, facts.requires_replace)]
    if there is None:
        if not contains_unknown(new) and facts.semantically_equal(new, facts.default):
            return []
        return [Change(facts.name, (facts.name,), ChangeKind.ADD, facts.requires_replace)]
    if not contains_unknown(new) and facts.semantically_equal(there, new):
        return []
    entries = _entries(_in_one_form(facts, there), _in_one_form(facts, new))
    return [Change(facts.name, (facts.name, *path), kind, facts.requires_replace) for path, kind in entries] or [
        Change(facts.name, (facts.name,), ChangeKind.UPDATE, facts.requires_replace)
    ]


def _in_one_form(facts: FieldSpec, value: Any) -> Any:
    """Return a map with each known entry in canonical form, so that an entry of equal meaning is no change."""
    if facts.canonical is None or not isinstance(value, Mapping):
        return value
    return {**value, **facts.canonical(drop_unknowns(value))}


def _entries(old: Any, new: Any) -> list[tuple[tuple[str, ...], ChangeKind]]:
    """The entries of a map that differ; a lone empty path for anything that is not two maps."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return [((), ChangeKind.UPDATE)]
    found: list[tuple[tuple[str, ...], ChangeKind]] = []
    for key in sorted(old.keys() | new.keys()):
        if json_equal(old.get(key), new.get(key)):
            continue
        if new.get(key) is None:
            found.append(((key,), ChangeKind.DELETE))
        elif old.get(key) is None:
            found.append(((key,), ChangeKind.ADD))
        else:
            found.extend(((key, *path), kind) for path, kind in _entries(old[key], new[key]))
    return found
