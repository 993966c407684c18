"""Finding one object by its UUID or by a name that people use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from polykomos.client import NotFoundError
from polykomos.resources.conversions import parse_uuid
from resourcekit.errors import CheckFailure, ResourceError
from resourcekit.unknown import UNKNOWN

Found = TypeVar("Found")


class HasUuid(Protocol):
    """An object of the API that has a UUID."""

    @property
    def uuid(self) -> str:
        """The UUID."""


ObjectT = TypeVar("ObjectT", bound=HasUuid)


def require_exactly_one(args: Mapping[str, Any], names: Sequence[str]) -> Iterator[CheckFailure]:
    """The rule that just one of these arguments is set. One that is not known yet may turn out to be null."""
    given = [args[name] for name in names if args.get(name) is not None]
    if not given or sum(value is not UNKNOWN for value in given) > 1:
        yield CheckFailure(names[0], f"set exactly one of {' and '.join(f'`{name}`' for name in names)}")


def single_match(matches: Iterable[Found], what: str, argument: str, way_out: str) -> Found:
    """The single match. Raises ResourceError, naming the argument, for none and for several."""
    found = list(matches)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ResourceError(f"{what} does not exist, or this API key may not see it", property=argument)
    raise ResourceError(f"{what} stands for {len(found)} objects: {way_out}", property=argument)


def get_by_uuid_or_name(
    noun: str,
    *,
    uuid: str | None,
    name: tuple[str, str | None],
    list_all: Callable[[], Iterable[ObjectT]],
    get: Callable[[str], ObjectT],
    way_out: str,
) -> ObjectT:
    """Return one object by its UUID; where that is not given, by the value of another argument.

    Args:
        noun: What it is, for people.
        uuid: Its UUID, where that is given.
        name: The other argument and its value.
        list_all: Lists every object.
        get: Reads one; raises NotFound.
        way_out: What to do where several objects have the same name.

    Raises:
        ResourceError: There is no such object, or there are several.
    """
    argument, wanted = name
    by = argument if uuid is None else "uuid"
    if uuid is None:
        named = (each for each in list_all() if getattr(each, argument) == wanted)
        uuid = single_match(named, f"{noun} {wanted!r}", argument, way_out).uuid
    uuid = parse_uuid(uuid, f"a {noun}'s id is its UUID")
    try:
        return get(uuid)
    except NotFoundError:
        text = f"{noun} {uuid} does not exist, or this API key may not see it"
        raise ResourceError(text, property=by) from None
