"""Lookup of one object by its UUID or by another unique argument, such as its name."""

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
    """Yield a failure unless exactly one of these arguments is set. An unknown value may resolve to null."""
    values = [args[name] for name in names if args.get(name) is not None]
    if not values or sum(value is not UNKNOWN for value in values) > 1:
        yield CheckFailure(names[0], f"set exactly one of {' and '.join(f'`{name}`' for name in names)}")


def single_match(matches: Iterable[Found], what: str, argument: str, way_out: str) -> Found:
    """Return the only match.

    Raises:
        ResourceError: There are none or several; the error names the argument.
    """
    matched = list(matches)
    if len(matched) == 1:
        return matched[0]
    if not matched:
        raise ResourceError(f"{what} does not exist, or this API key may not see it", property=argument)
    raise ResourceError(f"{what} matches {len(matched)} objects: {way_out}", property=argument)


def get_by_uuid_or_name(
    noun: str,
    *,
    uuid: str | None,
    name: tuple[str, str | None],
    list_all: Callable[[], Iterable[ObjectT]],
    get: Callable[[str], ObjectT],
    way_out: str,
) -> ObjectT:
    """Return one object by its UUID, or by the value of another argument if the UUID is not set.

    `way_out` says what to do if several objects match.

    Raises:
        ResourceError: There is no such object, or there are several.
    """
    argument, value = name
    by = argument if uuid is None else "uuid"
    if uuid is None:
        matches = (item for item in list_all() if getattr(item, argument) == value)
        uuid = single_match(matches, f"{noun} {value!r}", argument, way_out).uuid
    uuid = parse_uuid(uuid, f"a {noun}'s id is its UUID")
    try:
        return get(uuid)
    except NotFoundError:
        text = f"{noun} {uuid} does not exist, or this API key may not see it"
        raise ResourceError(text, property=by) from None
