"""The objects to adopt, by the options or by the answer on the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from polykomos_provider.adopt.inventory import ExistingObject


@dataclass(frozen=True)
class Selection:
    """The options that select objects. An object must match each option, and of each option any one value."""

    everything: bool = False
    kinds: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    @property
    def is_made(self) -> bool:
        """Whether there is any option."""
        return self.everything or bool(self.kinds or self.matches or self.ids)


def select(objects: Sequence[ExistingObject], selection: Selection) -> list[ExistingObject]:
    """Return the objects that match every option."""
    return [
        each
        for each in objects
        if (not selection.kinds or each.kind.name in selection.kinds)
        and (not selection.matches or any(fnmatchcase(each.label, pattern) for pattern in selection.matches))
        and (not selection.ids or each.id in selection.ids)
    ]


def parse_ranges(answer: str, count: int) -> list[int]:
    """Return the numbers in an answer such as `1,3-5` or `all`, in ascending order.

    `count` is the largest number.

    Raises:
        ValueError: The answer is invalid; the message is for people.
    """
    if answer.strip().lower() == "all":
        return list(range(1, count + 1))
    numbers: set[int] = set()
    for part in re.split(r"[,\s]+", answer.strip()):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match is None:
            raise ValueError(f"{part!r} is neither a number, nor a range such as 3-5, nor `all`")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= count:
            raise ValueError(f"{part} is not within 1-{count}")
        numbers.update(range(first, last + 1))
    return sorted(numbers)
