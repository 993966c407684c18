"""Diff: what would change, and how: in place, by replacement, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from resourcekit.declaration import Arguments, FieldFacts, fields_of
from resourcekit.errors import Failure
from resourcekit.sameness import alike
from resourcekit.unknown import has_unknown, known


class Kind(Enum):
    """What happens to a property."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One property's change. path: `variables.tenant` for an entry of a map, else the argument's name."""

    name: str
    path: tuple[str, ...]
    kind: Kind
    replaces: bool


@dataclass(frozen=True)
class Difference:
    """All changes, and those which are refused (create-only arguments). notes: why the others are accepted, each by
    its argument.
    """

    changes: tuple[Change, ...] = ()
    refusals: tuple[Failure, ...] = field(default=())
    notes: tuple[Failure, ...] = ()

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
) -> Difference:
    """Compare the program's arguments with what is there (`state`, as last read), not with what was last asked for.

    So a drift that a refresh found shows as a change, and a value that the API already has does not. Where the
    state says nothing of an argument (write-only), the old input stands in. An argument that is left out changes
    something only if it was given before and is `Clearable` or has no say of the API's own.

    A create-only argument's change is refused, but for those in `recorded`: they change in the state alone. What is
    not known yet may turn out to be the old value, so it is not refused before it is known.
    """
    ignored, kept = frozenset(ignore), frozenset(recorded)
    changes: list[Change] = []
    refusals: list[Failure] = []
    for name, facts in fields_of(model).items():
        if name in ignored:
            continue
        there = state.get(name)
        if there is None:
            there = old_inputs.get(name)
        new = news.get(name)
        found = _change(facts, there, old_inputs.get(name), new)
        open_ = name in kept or (there is not None and has_unknown(new))
        if found and facts.create_only and not open_:
            refusals.append(Failure(name, f"acts only when the object is created. {facts.create_only}"))
        else:
            changes.extend(found)
    if any(change.replaces for change in changes):
        # What is made anew is created with today's arguments: nothing is left to refuse.
        refusals.clear()
    return Difference(tuple(changes), tuple(refusals))


def _change(facts: FieldFacts, there: Any, old_input: Any, new: Any) -> list[Change]:
    if new is None:
        keeps = facts.create_only or (facts.computed and not facts.clearable)
        if keeps or old_input is None or there is None or facts.same(there, facts.default):
            return []
        return [Change(facts.name, (facts.name,), Kind.DELETE, facts.replaces)]
    if there is None:
        if not has_unknown(new) and facts.same(new, facts.default):
            return []
        return [Change(facts.name, (facts.name,), Kind.ADD, facts.replaces)]
    if not has_unknown(new) and facts.same(there, new):
        return []
    entries = _entries(_in_one_form(facts, there), _in_one_form(facts, new))
    return [Change(facts.name, (facts.name, *path), kind, facts.replaces) for path, kind in entries] or [
        Change(facts.name, (facts.name,), Kind.UPDATE, facts.replaces)
    ]


def _in_one_form(facts: FieldFacts, value: Any) -> Any:
    """Return a map with each known entry in canonical form, so that an entry of equal meaning is no change."""
    if facts.canonical is None or not isinstance(value, Mapping):
        return value
    return {**value, **facts.canonical(known(value))}


def _entries(old: Any, new: Any) -> list[tuple[tuple[str, ...], Kind]]:
    """The entries of a map that differ; a lone empty path for anything that is not two maps."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return [((), Kind.UPDATE)]
    found: list[tuple[tuple[str, ...], Kind]] = []
    for key in sorted(old.keys() | new.keys()):
        if alike(old.get(key), new.get(key)):
            continue
        if new.get(key) is None:
            found.append(((key,), Kind.DELETE))
        elif old.get(key) is None:
            found.append(((key,), Kind.ADD))
        else:
            found.extend(((key, *path), kind) for path, kind in _entries(old[key], new[key]))
    return found
