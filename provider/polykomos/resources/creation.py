"""Creating exactly once: what an interrupted run has made is found by its idempotency key and taken over.

The API remembers idempotency keys for 24 hours (api-facts, Idempotency). A replayed answer tells what was made once,
not what is there: it is trusted only after the object was read, and only where the object is nobody's yet.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from polykomos.client import ApiError, Client, IdempotencyConflict
from resourcekit.context import Context
from resourcekit.errors import ResourceError

T = TypeVar("T")

# After so many incarnations within a day the key is one that nobody can foresee: looking on would cost too many calls.
_MOST_GENERATIONS: Final = 30
_REMEMBERED: Final = timedelta(hours=25)  # by the API, and an hour for clocks that differ
_MOST_PROBES: Final = 60
ABSENT: Final = object()


@dataclass(frozen=True)
class Kind(Generic[T]):
    """How one kind of object is made.

    what: "database", for people. body: what this run would send. send: makes the call with a body and a key; returns
    the object and whether the answer was a replay. find: the object as it is now, None when it is gone. id_of: its id
    in the engine. earlier: those that an earlier call with another body may have made, with the bodies that it may have
    had. facts: what else belongs into the key.
    """

    what: str
    body: Mapping[str, Any]
    send: Callable[[Mapping[str, Any], str], tuple[T, bool]]
    find: Callable[[T], T | None]
    id_of: Callable[[T], str]
    earlier: Callable[[], Iterable[tuple[T, Iterable[Mapping[str, Any]]]]] = lambda: ()
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Created(Generic[T]):
    """taken_over: an earlier run made it, perhaps with other arguments."""

    object: T
    taken_over: bool


def create_once(kind: Kind[T], ctx: Context[Client]) -> Created[T]:
    """The object, made now or by an earlier run that did not live to tell. Raises ResourceError where whose it is
    cannot be told, and what the calls raise.
    """
    with ctx.keys.turn():
        created = _created(kind, ctx)
        ctx.keys.take(kind.id_of(created.object))
    if created.taken_over:
        ctx.info(f"{kind.what} {kind.id_of(created.object)} was made by a run that was interrupted: it is taken over")
    return created


def _created(kind: Kind[T], ctx: Context[Client]) -> Created[T]:
    for generation in itertools.count():
        foreseeable = ctx.keys.foreseeable and generation < _MOST_GENERATIONS
        key = (ctx.keys if foreseeable else type(ctx.keys)()).creation(generation, *kind.facts)
        try:
            made, replayed = kind.send(kind.body, key)
        except IdempotencyConflict:
            if not foreseeable:
                raise
            earlier = _identified(kind, key, ctx)
        else:
            if not (replayed and foreseeable):
                return Created(made, taken_over=False)
            earlier = kind.find(made)
        if earlier is not None and not _is_taken(kind, earlier, ctx):
            return Created(earlier, taken_over=True)
    raise AssertionError("counting never ends")


def _is_taken(kind: Kind[T], found: T, ctx: Context[Client]) -> bool:
    taken = ctx.keys.is_taken(kind.id_of(found))
    if taken is None:
        raise ResourceError(
            f"{kind.what} {kind.id_of(found)} was made for this resource before, and whether the engine's state holds "
            "it cannot be told, because the engine could not be asked. If nothing manages it, import it; or delete it "
            "at the service; then run this again"
        )
    return taken


def _identified(kind: Kind[T], key: str, ctx: Context[Client]) -> T | None:
    """What an earlier call with this key and another body made, as it is now; None when that is gone.

    The API tells only that the bodies differ. To send the key with the body that it had is to be told the object, and
    to send it with another changes nothing.
    """
    probes = 0
    for candidate, bodies in kind.earlier():
        if ctx.keys.is_taken(kind.id_of(candidate)):
            continue
        for body in bodies:
            probes += 1
            if probes > _MOST_PROBES:
                break
            try:
                found, _ = kind.send(body, key)
            except IdempotencyConflict:
                continue
            except ApiError:
                break
            return kind.find(found)
    return None


def is_recent(created_at: datetime | None) -> bool:
    """Whether an object's key may still be remembered."""
    return created_at is None or datetime.now(UTC) - created_at < _REMEMBERED


def variations(body: Mapping[str, Any], options: Mapping[str, Iterable[Any]], most: int) -> Iterator[dict[str, Any]]:
    """Bodies that differ from `body`, those that differ in the fewest fields first. Pure.

    options: what else each field may have been; ABSENT = not there. most: fields that differ at the same time.
    """
    others = {
        name: [value for value in values if value is not body.get(name, ABSENT) and value != body.get(name, ABSENT)]
        for name, values in options.items()
    }
    for count in range(1, most + 1):
        for names in itertools.combinations(others, count):
            for values in itertools.product(*(others[name] for name in names)):
                changed = {**body, **dict(zip(names, values, strict=True))}
                yield {name: value for name, value in changed.items() if value is not ABSENT}


def refuse_other(what: str, id: str, wanted: Mapping[str, Any], there: Mapping[str, Any]) -> None:
    """Raise ResourceError when what an interrupted run made differs in what cannot change in place."""
    differing = {name for name, value in wanted.items() if value is not None and value != there.get(name)}
    if not differing:
        return
    told = ", ".join(f"`{name}` {there.get(name)!r}" for name in sorted(differing))
    raise ResourceError(
        f"an interrupted run has made {what} {id} for this resource, with {told}, which cannot change in place. Either "
        f"put that back and run this again: the {what} is taken over, and can be replaced then; or delete it at the "
        "service"
    )
