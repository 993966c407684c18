"""Which of the found objects are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from polykomos_provider.adopt.inventory import ExistingObject


@dataclass(frozen=True)
class Selection:
    """What the options say. Each that is given narrows; its values widen each other."""

    everything: bool = False
    kinds: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    @property
    def is_made(self) -> bool:
        """Whether anything was said at all."""
        return self.everything or bool(self.kinds or self.matches or self.ids)


def select(found: Sequence[ExistingObject], selection: Selection) -> list[ExistingObject]:
    """Those that every given option allows."""
    return [
        each
        for each in found
        if (not selection.kinds or each.kind.name in selection.kinds)
        and (not selection.matches or any(fnmatchcase(each.label, pattern) for pattern in selection.matches))
        and (not selection.ids or each.id in selection.ids)
    ]


def parse_ranges(answer: str, count: int) -> list[int]:
    """What `1,3-5` or `all` means among 1 … count, in order, each once. Raises ValueError with a text for people."""
    if answer.strip().lower() == "all":
        return list(range(1, count + 1))
    wanted: set[int] = set()
    for part in re.split(r"[,\s]+", answer.strip()):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match is None:
            raise ValueError(f"{part!r} is neither a number, nor a range such as 3-5, nor `all`")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= count:
            raise ValueError(f"{part} is not within 1-{count}")
        wanted.update(range(first, last + 1))
    return sorted(wanted)
