"""Creates that run exactly once at an API without idempotency keys, by the name that only one object can have.

The object is looked for before the call. One that exists is another program's, or that of a killed run: no response
tells which, so it is never adopted silently. If the response of the call is lost or a 5xx, the object is looked for
again, and adopted: it did not exist a moment ago. If it is not found, the call is repeated at an API that refuses a
second object of the name: the first call may still be carried out, and then the repeated one is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.http.errors import UNKNOWN_OUTCOME, ConflictError, NotFoundError, ServerError
from resourcekit.http.polling import retry_until_found
from resourcekit.http.retry import DEFAULT_RETRY, OUTAGE_SECONDS

T = TypeVar("T")

# How long an object that may have been created is looked for.
_VISIBLE_SECONDS: Final = 10.0


@dataclass(frozen=True)
class NamedCreate(Generic[T]):
    """A create call whose object has a unique name.

    Attributes:
        noun: The object for messages, such as "compute instance".
        name: The name.
        find: Returns the object of this name, or None.
        send: Sends the create call once.
        id_of: Returns an object's id.
        argument: The argument that has the name.
        refuses_duplicates: Whether the API documents that a name is unique, so that a repeated call creates no second
            object.
    """

    noun: str
    name: str
    find: Callable[[], T | None]
    send: Callable[[], T]
    id_of: Callable[[T], str]
    argument: str = "name"
    refuses_duplicates: bool = False


def create_named(request: NamedCreate[T], ctx: Context[Any]) -> T:
    """Create an object, or adopt the one of a call whose response was lost or a 5xx.

    Raises:
        ResourceError: An object of this name exists, or it is not known whether the call was carried out.
    """
    _refuse_existing(request, request.find())
    began = time.monotonic()
    unknown: Exception | None = None  # the error of the last call that may have been carried out
    while True:
        try:
            return request.send()
        except ConflictError as error:
            found = request.find()
            if found is None:  # a conflict for another reason is reported as it is
                raise
            if unknown is None:  # another program was faster
                raise _name_taken(request, None) from error
            return _adopt(request, found, unknown, ctx)
        except UNKNOWN_OUTCOME as error:
            unknown = error
            found = _find_again(request, ctx)
            if found is not None:
                return _adopt(request, found, error, ctx)
            if not request.refuses_duplicates or not _may_pass(error, began, ctx):
                raise ResourceError(
                    f"{error}. No {request.noun} {request.name!r} can be found: run it again",
                    property=request.argument,
                ) from error


def _may_pass(error: Exception, began: float, ctx: Context[Any]) -> bool:
    """Return whether the call is to be repeated: as long as other calls are during an outage."""
    if isinstance(error, ServerError) and error.status not in DEFAULT_RETRY.statuses:
        return False
    return ctx.remaining() > 0 and time.monotonic() - began < OUTAGE_SECONDS


def _adopt(request: NamedCreate[T], found: T, error: Exception, ctx: Context[Any]) -> T:
    response = f"was {error.status}" if isinstance(error, ServerError) else "was lost"
    ctx.info(f"adopted {request.noun} {request.id_of(found)}: the response to its creation {response}")
    return found


def _find_again(request: NamedCreate[T], ctx: Context[Any]) -> T | None:
    def read() -> T:
        found = request.find()
        if found is None:
            raise NotFoundError(404, "", f"{request.noun} {request.name!r} is not in the list")
        return found

    try:
        return retry_until_found(read, seconds=min(_VISIBLE_SECONDS, ctx.remaining()), cancel=ctx.cancel)
    except NotFoundError:
        return None


def _refuse_existing(request: NamedCreate[T], found: T | None) -> None:
    if found is not None:
        raise _name_taken(request, found)


def _name_taken(request: NamedCreate[T], found: T | None) -> ResourceError:
    of_id = "" if found is None else f" ({request.id_of(found)})"
    way = "its id" if found is None else f"the id {request.id_of(found)}"
    return ResourceError(
        f"a {request.noun} {request.name!r}{of_id} exists already. If an interrupted run created it, or you want to "
        f"manage it here, import it by {way}; after an interrupted replacement, whose old object is in the state, "
        "delete it; else choose another name",
        property=request.argument,
    )
