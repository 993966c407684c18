"""Finding one object by its UUID or by a name that people use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from resourcekit.errors import ResourceError

Found = TypeVar("Found")


def exactly_one(given: dict[str, str | None]) -> str:
    """The name of the argument that is set. Raises ResourceError unless it is just one."""
    names = [name for name, value in given.items() if value is not None]
    if len(names) != 1:
        raise ResourceError(
            f"set exactly one of {' and '.join(f'`{name}`' for name in given)}", property=next(iter(given))
        )
    return names[0]


def the_only(matches: Iterable[Found], what: str, argument: str, way_out: str) -> Found:
    """The single match. Raises ResourceError, naming the argument, for none and for several."""
    found = list(matches)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ResourceError(f"{what} does not exist, or this API key may not see it", property=argument)
    raise ResourceError(f"{what} stands for {len(found)} objects: {way_out}", property=argument)
