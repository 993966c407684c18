"""Creating exactly once: what an interrupted run has made is found by its idempotency key and taken over.

The API remembers idempotency keys for 24 hours (api-facts, Idempotency). A replayed answer tells what was made once,
not what is there: it is trusted only after the object was read, and only where the object is nobody's yet.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pydantic import BaseModel

from polykomos.client import ApiError, IdempotencyConflictError, InvalidRequestError, NotFoundError
from polykomos.client.polling import retry_until_found
from polykomos.resources.candidate_bodies import PossibleValues, candidate_bodies
from resourcekit.context import Context
from resourcekit.errors import ResourceError

if TYPE_CHECKING:
    from polykomos.client import Client, WriteResult
    from resourcekit.idempotency import IdempotencyKeys

T = TypeVar("T", bound=BaseModel)

# So many incarnations within a day take minutes to go through.
_MOST_GENERATIONS: Final = 300
_REMEMBERED: Final = timedelta(hours=25)  # by the API, and an hour for clocks that differ
_PROBED: Final = timedelta(hours=23)  # an hour less than the API remembers: for the probes, and for clocks that differ
# What was made so lately may not show yet, and is looked for so long; what is older and is not there is gone.
_FRESH: Final = timedelta(seconds=60)
_UNSEEN_SECONDS: Final = 4.0
_MOST_PROBES: Final = 60
_MOST_NAMED: Final = 5


@dataclass(frozen=True)
class RecentObjects(Generic[T]):
    """Objects that an earlier call with another body may have made, and what tells of their bodies.

    objects: all that are there and may be so young. whole: one of them with what lists leave out; None when it is gone.
    options: what the request that made it may have held, by argument. label: the argument that names it for people.
    """

    objects: Callable[[], Iterable[T]]
    possible_bodies: Callable[[T], PossibleValues]
    label: str
    fetch_full: Callable[[T], T | None] = lambda listed: listed


@dataclass(frozen=True)
class CreateRequest(Generic[T]):
    """How one kind of object is made.

    what: "database", for people. body: what this run would send. send: makes the call with a body and a key. find: the
    object as it is now, None when it is gone; raises NotFound where it does not show. id_of: its id in the engine.
    created_at: when the API made it. required: the fields without which the API makes nothing. recent: None where the
    API lists no such objects. facts: what else belongs into the key. earlier: the same as release 0.1.0 made it, where
    that differs.
    """

    noun: str
    body: Mapping[str, Any]
    send: Callable[[Mapping[str, Any], str], WriteResult[T]]
    refetch: Callable[[T], T | None]
    id_of: Callable[[T], str]
    created_at: Callable[[T], datetime | None]
    required: tuple[str, ...]
    recent: RecentObjects[T] | None = None
    key_parts: tuple[str, ...] = ()
    earlier: CreateRequest[T] | None = None


@dataclass(frozen=True)
class CreateResult(Generic[T]):
    """taken_over: an earlier run made it, perhaps with other arguments."""

    object: T
    adopted: bool


def create_once(
    kind: CreateRequest[T], ctx: Context[Client], fits: Callable[[T], None] = lambda made: None
) -> CreateResult[T]:
    """The object, made now or by an earlier run that did not live to tell.

    fits: raises ResourceError for an earlier run's object that cannot become what is wanted.
    Raises ResourceError where whose an object is cannot be told, and what the calls and `fits` raise.
    """
    with ctx.idempotency_keys.lock():
        created = _first_free(kind, ctx)
    if created.adopted:
        fits(created.object)
        ctx.warn(
            f"{kind.noun} {kind.id_of(created.object)} was made for this very resource within the last day, and the "
            "engine's state does not hold it, as after a run that was interrupted: it is taken over. If something else "
            "manages it, take this resource out of the state and make it under another name (in Terraform: with "
            "another `idempotency_scope`)"
        )
    return created


def _first_free(kind: CreateRequest[T], ctx: Context[Client]) -> CreateResult[T]:
    for keys in ctx.idempotency_keys.others:
        left = _left_behind(kind, keys, ctx)
        if left is not None:
            return left
    if kind.earlier is not None and kind.earlier.key_parts != kind.key_parts and ctx.idempotency_keys.deterministic:
        for keys in (*ctx.idempotency_keys.others, ctx.idempotency_keys):
            left = _left_behind(kind.earlier, keys, ctx)
            if left is not None:
                return left
    for generation in itertools.count(ctx.idempotency_keys.next_generation(*kind.key_parts)):
        created = _created(kind, generation, ctx)
        if created is not None:
            ctx.idempotency_keys.claim(kind.id_of(created.object), generation, *kind.key_parts)
            return created
    raise AssertionError("counting never ends")


def with_earlier(kind: CreateRequest[T], earlier: CreateRequest[T]) -> CreateRequest[T]:
    """Return a kind that knows how release 0.1.0 made the object: it sent the null entries of maps."""
    return kind if (earlier.body, earlier.key_parts) == (kind.body, kind.key_parts) else replace(kind, earlier=earlier)


def _left_behind(kind: CreateRequest[T], keys: IdempotencyKeys, ctx: Context[Client]) -> CreateResult[T] | None:
    """Return what an earlier run made with keys of its own, or None. Nothing is made unless the API remembers a key."""
    for generation in itertools.count(keys.next_generation(*kind.key_parts)):
        key = keys.create_key(generation, *kind.key_parts)
        if not _is_remembered(kind, key):
            return None
        created = _by_key(kind, key, ctx)
        if created is not None:
            keys.claim(kind.id_of(created.object), generation, *kind.key_parts)
            return created
    raise AssertionError("counting never ends")


def _is_remembered(kind: CreateRequest[T], key: str) -> bool:
    """Return whether the API has seen a key within 24 hours: it refuses the key with another body before it looks at
    that body (api-facts S35), and one without its required fields makes nothing.
    """
    for _ in range(2):
        try:
            kind.send({**kind.body, **dict.fromkeys(kind.required)}, key)
        except IdempotencyConflictError:
            return True
        except NotFoundError:
            return False
        except InvalidRequestError as error:
            if error.field in kind.required:
                return False
            # Not what such a body is refused for: perhaps not the API's own answer, so the key is looked up once more.
    return False


def _created(kind: CreateRequest[T], generation: int, ctx: Context[Client]) -> CreateResult[T] | None:
    """The object of one generation of keys; None where that one is gone, is somebody's, or came to nothing."""
    if not ctx.idempotency_keys.deterministic:
        return CreateResult(kind.send(kind.body, ctx.idempotency_keys.create_key(generation)).object, adopted=False)
    if generation >= _MOST_GENERATIONS:
        ctx.warn(
            f"this {kind.noun} is the {generation}th of its kind within a day: what an interrupted run leaves of it "
            "will not be found again"
        )
        return CreateResult(
            kind.send(kind.body, type(ctx.idempotency_keys)().create_key(generation)).object, adopted=False
        )
    return _by_key(kind, ctx.idempotency_keys.create_key(generation, *kind.key_parts), ctx)


def _by_key(kind: CreateRequest[T], key: str, ctx: Context[Client]) -> CreateResult[T] | None:
    """The object that a key makes, or made; None where that one is gone, is another's, or came to nothing."""
    try:
        written = kind.send(kind.body, key)
    except IdempotencyConflictError:
        found = _identified(kind, key, ctx)
        return None if found is None or _is_taken(kind, found, ctx) else CreateResult(found, adopted=True)
    except ApiError as error:
        if error.replayed:
            return None  # what was refused once may be accepted now
        raise
    if not written.replayed:
        return CreateResult(written.object, adopted=False)
    if ctx.idempotency_keys.is_known(kind.id_of(written.object)):
        return None
    there = _there(kind, written.object, ctx, patient=written.was_retried)
    if there is None or _is_taken(kind, there, ctx, own=written.was_retried):
        return None
    return CreateResult(there, adopted=not written.was_retried)


def _there(kind: CreateRequest[T], made: T, ctx: Context[Client], *, patient: bool) -> T | None:
    """The object as it is now; None when it is gone."""
    created_at = kind.created_at(made)
    patient = patient or created_at is None or datetime.now(UTC) - created_at < _FRESH
    try:
        return retry_until_found(
            lambda: kind.refetch(made), seconds=_UNSEEN_SECONDS if patient else 0.0, cancel=ctx.cancel
        )
    except NotFoundError:
        return None


def _is_taken(kind: CreateRequest[T], found: T, ctx: Context[Client], *, own: bool = False) -> bool:
    """own: this very call was sent twice, so the object is most likely its own."""
    taken = ctx.idempotency_keys.is_taken(kind.id_of(found))
    if taken is None and not own:
        raise ResourceError(
            f"{kind.noun} {kind.id_of(found)} was made for this resource before, and whether the engine's state holds "
            "it cannot be told, because the engine could not be asked. If nothing manages it, import it; or delete it "
            "at the service; then run this again"
        )
    return taken is True


def _identified(kind: CreateRequest[T], key: str, ctx: Context[Client]) -> T | None:
    """What an earlier call with this key and another body made, as it is now; None when that is gone, or nothing tells.

    The API tells only that the bodies differ. To send the key with the body that it had is to be told the object, and
    to send it with another changes nothing.
    """
    if kind.recent is None:
        raise ResourceError(
            f"an earlier run has asked for this very {kind.noun} in other words, as another release of this provider "
            "does, and the API does not tell what came of it. So that nothing is run twice: look whether it was "
            "carried out. If so, import it; if not, give the resource another name (in Terraform: another "
            "`idempotency_scope`), or wait until a day has passed"
        )
    recent = kind.recent
    candidates = [whole for each in recent.objects() if (whole := recent.fetch_full(each)) is not None]
    # A key that the API forgets meanwhile would have a guess make an object.
    probed = [
        recent.possible_bodies(each)
        for each in candidates
        if is_safe_to_probe(kind.created_at(each), datetime.now(UTC))
    ]
    before = [] if kind.earlier is None else [kind.earlier.body]
    tried = itertools.chain(
        before, candidate_bodies(kind.body, probed), *(candidate_bodies(body, probed) for body in before)
    )
    for body in itertools.islice(tried, _MOST_PROBES):
        try:
            written = kind.send(body, key)
        except IdempotencyConflictError:
            continue
        except (InvalidRequestError, NotFoundError) as error:
            if error.replayed:
                return None  # it came to nothing
            continue
        if not written.replayed:
            ctx.warn(
                f"{kind.noun} {kind.id_of(written.object)} was made just now, with arguments of an earlier run: the "
                "service has forgotten that run's call, which was looked for. It is taken for this resource. What the "
                "earlier run made may exist beside it: delete that at the service"
            )
            return written.object
        return _there(kind, written.object, ctx, patient=False)
    all_tried = len(probed) == len(candidates) and next(tried, None) is None
    _warn_of(kind, candidates, ctx, all_tried=all_tried)
    return None


def _warn_of(kind: CreateRequest[T], candidates: Iterable[T], ctx: Context[Client], *, all_tried: bool) -> None:
    """Name what the earlier call may have made. Mostly that is gone, and all that is there has another name."""
    assert kind.recent is not None
    options, label = kind.recent.possible_bodies, kind.recent.label
    named = [
        f"{kind.id_of(each)} ({options(each)[label][0]})"
        for each in candidates
        if not (all_tried and options(each)[label][0] != kind.body[label])
        and not ctx.idempotency_keys.is_taken(kind.id_of(each))
    ]
    if named:
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        ctx.warn(
            "within the last day this resource was made with other arguments, and what became of that cannot be told: "
            f"another {kind.noun} is made. If an interrupted run has left one, it is among "
            f"{', '.join(named[:_MOST_NAMED])}{more}: delete it at the service, or import it in place of the new one"
        )


def is_within_key_lifetime(created_at: datetime | None) -> bool:
    """Whether an object's key may still be remembered."""
    return created_at is None or datetime.now(UTC) - created_at < _REMEMBERED


def is_safe_to_probe(created_at: datetime | None, now: datetime) -> bool:
    """Return whether the API still remembers an object's key for as long as guesses take, clocks that differ included.

    A key is remembered for 24 hours (api-facts, Idempotency). What the API does not date may be of now.
    """
    return created_at is None or now - created_at < _PROBED


def ensure_compatible(what: str, id: str, wanted: Mapping[str, Any], there: Mapping[str, Any]) -> None:
    """Raise ResourceError when what an interrupted run made differs in what cannot change in place."""
    differing = {name for name, value in wanted.items() if value is not None and value != there.get(name)}
    if not differing:
        return
    told = ", ".join(f"`{name}` {json.dumps(there.get(name), default=str)}" for name in sorted(differing))
    raise ResourceError(
        f"an interrupted run has made {what} {id} for this resource, with {told}, which cannot change in place. Either "
        f"put that back and run this again: the {what} is taken over, and can be replaced then; or delete it at the "
        "service"
    )
