"""Compare a program's arguments with the state: which arguments change, and which changes replace the object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from resourcekit.errors import CheckFailure
from resourcekit.fields import Arguments, FieldSpec, field_specs, json_equal
from resourcekit.unknown import contains_unknown, drop_unknowns


class ChangeKind(Enum):
    """The kind of a property's change."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """The change of one property."""

    name: str  # the argument
    # The steps to the property: `("variables", "tenant")` for an entry of a map, else the argument alone.
    path: tuple[str, ...]
    kind: ChangeKind  # whether the property is added, updated or deleted
    replaces: bool  # whether the change replaces the object


@dataclass(frozen=True)
class Diff:
    """The result of a comparison."""

    changes: tuple[Change, ...] = ()  # the changes
    errors: tuple[CheckFailure, ...] = field(default=())  # the rejected changes of create-only arguments
    warnings: tuple[CheckFailure, ...] = ()  # the reason for each accepted change of a create-only argument

    @property
    def changed(self) -> frozenset[str]:
        """The arguments that differ."""
        return frozenset(change.name for change in self.changes)

    @property
    def replaces(self) -> bool:
        """Whether a change replaces the object."""
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
    """Compare the program's arguments with the state as last read, not with the arguments of the last run.

    So drift that a refresh found is a change, and a value that the API already has is none. If the state does not
    contain an argument (write-only), the old input is compared. Omitting an argument is a change only if it was set
    before and is either `ResetOnRemove` or not computed by the API.

    A change of a create-only argument is rejected. An unknown value is accepted, because it may resolve to the current
    value. Of the arguments `recorded`, which are create-only, a change is accepted: it changes the state only.
    """
    ignored, accepted = frozenset(ignore), frozenset(recorded)
    changes: list[Change] = []
    errors: list[CheckFailure] = []
    for name, spec in field_specs(model).items():
        if name in ignored:
            continue
        current = state.get(name)
        if current is None:
            current = old_inputs.get(name)
        new = news.get(name)
        found = _change(spec, current, old_inputs.get(name), new)
        is_allowed = name in accepted or (current is not None and contains_unknown(new))
        if found and spec.create_only and not is_allowed:
            errors.append(CheckFailure(name, f"acts only when the object is created. {spec.create_only}"))
        else:
            changes.extend(found)
    if any(change.replaces for change in changes):
        # A replacement creates the object with the new arguments, so create-only ones may change.
        errors.clear()
    return Diff(tuple(changes), tuple(errors))


def _change(spec: FieldSpec, current: Any, old_input: Any, new: Any) -> list[Change]:
    if new is None:
        stays = spec.create_only or (spec.computed and not spec.reset_on_remove)
        if stays or old_input is None or current is None or spec.semantically_equal(current, spec.default):
            return []
        return [Change(spec.name, (spec.name,), ChangeKind.DELETE, spec.requires_replace)]
    if current is None:
        if not contains_unknown(new) and spec.semantically_equal(new, spec.default):
            return []
        return [Change(spec.name, (spec.name,), ChangeKind.ADD, spec.requires_replace)]
    if not contains_unknown(new) and spec.semantically_equal(current, new):
        return []
    entries = _entries(_canonical(spec, current), _canonical(spec, new))
    return [Change(spec.name, (spec.name, *path), kind, spec.requires_replace) for path, kind in entries] or [
        Change(spec.name, (spec.name,), ChangeKind.UPDATE, spec.requires_replace)
    ]


def _canonical(spec: FieldSpec, value: Any) -> Any:
    """Return a map with each known entry in canonical form, so that an entry of equal meaning is no change."""
    if spec.canonical is None or not isinstance(value, Mapping):
        return value
    return {**value, **spec.canonical(drop_unknowns(value))}


def _entries(old: Any, new: Any) -> list[tuple[tuple[str, ...], ChangeKind]]:
    """Return the paths of a map's entries that differ; one empty path if one of the values is not a map."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return [((), ChangeKind.UPDATE)]
    changed: list[tuple[tuple[str, ...], ChangeKind]] = []
    for key in sorted(old.keys() | new.keys()):
        if json_equal(old.get(key), new.get(key)):
            continue
        if new.get(key) is None:
            changed.append(((key,), ChangeKind.DELETE))
        elif old.get(key) is None:
            changed.append(((key,), ChangeKind.ADD))
        else:
            changed.extend(((key, *path), kind) for path, kind in _entries(old[key], new[key]))
    return changed
