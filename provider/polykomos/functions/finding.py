"""Finding one object by its UUID or by a name that people use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from resourcekit.errors import Failure, ResourceError
from resourcekit.unknown import UNKNOWN

Found = TypeVar("Found")


def exactly_one(args: Mapping[str, Any], names: Sequence[str]) -> Iterator[Failure]:
    """The rule that just one of these arguments is set. One that is not known yet may turn out to be null."""
    given = [args[name] for name in names if args.get(name) is not None]
    if not given or sum(value is not UNKNOWN for value in given) > 1:
        yield Failure(names[0], f"set exactly one of {' and '.join(f'`{name}`' for name in names)}")


def the_only(matches: Iterable[Found], what: str, argument: str, way_out: str) -> Found:
    """The single match. Raises ResourceError, naming the argument, for none and for several."""
    found = list(matches)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ResourceError(f"{what} does not exist, or this API key may not see it", property=argument)
    raise ResourceError(f"{what} stands for {len(found)} objects: {way_out}", property=argument)
