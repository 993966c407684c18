"""What the resources and calls of an HTTP API share: waits, lost responses, and states from responses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Result
from resourcekit.http.errors import UNKNOWN_OUTCOME
from resourcekit.http.polling import poll_until
from resourcekit.resource import Resource

T = TypeVar("T")
StateT = TypeVar("StateT", bound=Result)


def wait_until(
    ctx: Context[Any],
    read: Callable[[], T],
    done: Callable[[T], bool],
    *,
    what: str,
    progress: str,
    found: T | None = None,
) -> T:
    """Read until a result is done, and return it, within the operation's time-out.

    Args:
        ctx: The operation, which may be cancelled.
        read: Reads the object.
        done: Returns whether a result is done.
        what: The state that errors report, such as "query … is still running".
        progress: The text of the resource's row, before the seconds waited.
        found: The object as it was read before, which may be done already.

    Raises:
        DeadlineExceededError: The time-out expired.
        ClientCancelledError: The wait was cancelled.
    """
    if found is not None and done(found):
        return found
    return poll_until(
        read,
        done,
        what=what,
        timeout=ctx.remaining(),
        cancel=ctx.cancel,
        progress=lambda seconds: ctx.progress(f"{progress} … {seconds:.0f} s"),
    )


@contextlib.contextmanager
def lost_response(advice: str) -> Iterator[None]:
    """Add what to do to the error of a call that may have been carried out, and that must not be repeated unseen.

    Raises:
        ResourceError: The response was lost.
    """
    try:
        yield
    except UNKNOWN_OUTCOME as error:
        raise ResourceError(f"{error}. {advice}") from error


def state_of(resource: Resource[Any, StateT, Any], found: Any, known: Arguments | None, **values: Any) -> StateT:
    """Return the state for an object of the API.

    Args:
        resource: The resource.
        found: The object, whose fields have the names of the state's.
        known: The program's arguments or the prior state, for arguments that the response lacks; None on an import.
        values: The fields whose values differ from the object's.
    """

    def value(name: str) -> Any:
        if name in values:
            return values[name]
        own = getattr(found, name, None)
        return getattr(known, name, None) if own is None and name in resource.arguments.model_fields else own

    values_by_name = {name: value(name) for name in resource.state.model_fields}
    return cast("StateT", resource.state.model_construct(**values_by_name))
