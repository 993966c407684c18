"""Bodies that an earlier create call may have had, most likely first. Pure functions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")
ABSENT: Final = object()
# Edits that the object does not show, such as a removed argument, are tried only if the edits are this few.
_MOST_UNSEEN: Final = 2

PossibleValues = Mapping[str, Sequence[Any]]


def closest_names_first(objects: Iterable[T], name_of: Callable[[T], str | None], target: Any) -> list[T]:
    """Sort objects: first those of the target name, then those whose names begin alike. Generated names do."""

    def key(each: T) -> tuple[bool, int]:
        name = name_of(each) or ""
        alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(name, str(target), strict=False))
        return name != target, -sum(1 for _ in alike)

    return sorted(objects, key=key)


def candidate_bodies(
    body: Mapping[str, Any], objects: Sequence[PossibleValues], label: str = "name"
) -> Iterator[dict[str, Any]]:
    """Yield the bodies that may have created one of several objects, fewest differences from `body` first.

    An object with another label counts as one difference more: in a large account many objects differ in little else.

    Args:
        body: The body that this run sends.
        objects: For each object, the values that its request may have had, by argument; ABSENT stands for an omitted
            argument.
        label: The argument that names the object.
    """
    renamed = [label in _edited(body, options) for options in objects]
    most = max((len(_edited(body, options)) for options in objects), default=0)
    for differences in range(1, max(most, _MOST_UNSEEN) + 2):
        for options, is_renamed in zip(objects, renamed, strict=True):
            edits = differences - is_renamed
            if edits > 0:
                yield from _with_edits(edits, body, options)


def _edited(body: Mapping[str, Any], options: PossibleValues) -> list[str]:
    """Return the arguments that must have been edited, because their current values cannot have created the object."""
    return [name for name, values in options.items() if body.get(name, ABSENT) not in values]


def _with_edits(edits: int, body: Mapping[str, Any], options: PossibleValues) -> Iterator[dict[str, Any]]:
    """Yield the bodies that differ from `body` in `edits` arguments and may have created the object."""
    seen = _edited(body, options)
    unseen = edits - len(seen)
    if unseen < 0 or (unseen > 0 and edits > _MOST_UNSEEN):
        return
    others = {name: [value for value in values if value != body.get(name, ABSENT)] for name, values in options.items()}
    for more in itertools.combinations([name for name in others if name not in seen], unseen):
        names = (*seen, *more)
        for values in itertools.product(*(others[name] for name in names)):
            changed = {**body, **dict(zip(names, values, strict=True))}
            yield {name: value for name, value in changed.items() if value is not ABSENT}
