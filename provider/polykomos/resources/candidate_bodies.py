"""Which body an object may have been asked for with: pure guesses, the most likely first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

ABSENT: Final = object()
# Edits that nothing shows, such as an argument taken out, are guessed at only where there are few.
_MOST_UNSEEN: Final = 2

PossibleValues = Mapping[str, Sequence[Any]]


def candidate_bodies(body: Mapping[str, Any], objects: Sequence[PossibleValues]) -> Iterator[dict[str, Any]]:
    """Bodies that may have made one of `objects`: those that differ from `body` in the fewest arguments come first,
    whichever object they are of.

    objects: of each, what the request may have held for each argument; ABSENT = it was left out.
    """
    most = max((len(_edited(body, options)) for options in objects), default=0)
    for edits in range(1, max(most, _MOST_UNSEEN) + 1):
        for options in objects:
            yield from _with(edits, body, options)


def _edited(body: Mapping[str, Any], options: PossibleValues) -> list[str]:
    """The arguments that must have been edited, because the object cannot have come of what they are now."""
    return [name for name, values in options.items() if body.get(name, ABSENT) not in values]


def _with(edits: int, body: Mapping[str, Any], options: PossibleValues) -> Iterator[dict[str, Any]]:
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
