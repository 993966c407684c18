"""Descriptions of create calls that `create_once` sends: the body, the idempotency key's parts, and how to read back.

The API remembers an idempotency key for 24 hours (api-facts, Idempotency).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pydantic import BaseModel

from polykomos.resources.candidate_bodies import PossibleValues
from resourcekit.errors import ResourceError

if TYPE_CHECKING:
    from polykomos.client import WriteResult

T = TypeVar("T", bound=BaseModel)

# How long the API remembers a key, and one hour for clocks that differ.
_KEY_LIFETIME: Final = timedelta(hours=25)


@dataclass(frozen=True)
class RecentObjects(Generic[T]):
    """Objects that an earlier call with the same key and another body may have created.

    Attributes:
        objects: Returns the existing objects that are young enough for the API to remember their key.
        possible_bodies: Returns the values that the request that created an object may have had, by argument.
        label: The argument that names an object in messages.
        fetch_full: Returns a listed object with the fields that lists leave out, or None if it was deleted.
    """

    objects: Callable[[], Iterable[T]]
    possible_bodies: Callable[[T], PossibleValues]
    label: str
    fetch_full: Callable[[T], T | None] = lambda listed: listed


@dataclass(frozen=True)
class CreateRequest(Generic[T]):
    """A create call for one object."""

    noun: str  # what the object is, in messages, such as "database"
    body: Mapping[str, Any]  # the request's fields
    send: Callable[[Mapping[str, Any], str], WriteResult[T]]  # sends a body with an idempotency key
    # Returns the current state of a created object, or None if it was deleted. Raises NotFoundError when the API does
    # not show the object.
    refetch: Callable[[T], T | None]
    id_of: Callable[[T], str]  # returns an object's id in the engine
    # Returns when the API created an object, or None if the API does not report it.
    created_at: Callable[[T], datetime | None]
    required: tuple[str, ...]  # the fields without which the API creates nothing
    # The objects to compare with after a key conflict; None when the API does not list such objects.
    recent: RecentObjects[T] | None = None
    key_parts: tuple[str, ...] = ()  # values that enter the idempotency key besides the resource's own
    # Returns whether an object was created before the one of an id. Only for objects that cannot be deleted.
    precedes: Callable[[T, str], bool] = lambda created, other: False
    earlier: CreateRequest[T] | None = None  # the request that release 0.1.0 sent for the same arguments, if it differs


@dataclass(frozen=True)
class CreateResult(Generic[T]):
    """The object of a create call."""

    object: T  # the object as the API reports it
    adopted: bool  # whether an earlier run created the object, perhaps with other arguments


def with_earlier(request: CreateRequest[T], earlier: CreateRequest[T]) -> CreateRequest[T]:
    """Return a request with the one that release 0.1.0 sent, which contained the null entries of maps."""
    if (earlier.body, earlier.key_parts) == (request.body, request.key_parts):
        return request
    return replace(request, earlier=earlier)


def is_within_key_lifetime(created_at: datetime | None) -> bool:
    """Return whether the API may still remember the key of an object; True if its creation time is unknown."""
    return created_at is None or datetime.now(UTC) - created_at < _KEY_LIFETIME


def ensure_compatible(noun: str, id: str, planned: Mapping[str, Any], existing: Mapping[str, Any]) -> None:
    """Check that an adopted object has the planned values of the arguments that cannot change in place.

    An omitted argument (None) accepts every value.

    Raises:
        ResourceError: An argument differs.
    """
    differing = {name for name, value in planned.items() if value is not None and value != existing.get(name)}
    if not differing:
        return
    values = ", ".join(f"`{name}` {json.dumps(existing.get(name), default=str)}" for name in sorted(differing))
    raise ResourceError(
        f"an interrupted run created {noun} {id} for this resource with {values}, which cannot change in place. Either "
        f"set these values in the program and run it again, which adopts the {noun} (a later change can replace it), "
        "or delete it at the service"
    )
