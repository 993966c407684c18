"""Creates that run exactly once: an object that an interrupted run created is found by its key and adopted.

The API remembers idempotency keys for 24 hours (api-facts, Idempotency). A replayed response reports what was created
at the time, not what exists now. The object is therefore read again, and adopted only if no resource owns it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from polykomos.client import ApiError, IdempotencyConflictError, InvalidRequestError, NotFoundError
from polykomos.client.polling import retry_until_found
from polykomos.resources.candidate_bodies import candidate_bodies
from polykomos.resources.create_request import CreateRequest, CreateResult, T
from resourcekit.context import Context
from resourcekit.errors import ResourceError

if TYPE_CHECKING:
    from polykomos.client import Client
    from resourcekit.idempotency import IdempotencyKeys

# Trying this many generations of keys takes minutes.
_MOST_GENERATIONS: Final = 300
_PROBED: Final = timedelta(hours=23)  # an hour less than a key's lifetime: for the probes, and for clocks that differ
# An object younger than _FRESH may not be visible yet, so reads of it are repeated for _UNSEEN_SECONDS. An older object
# that is not found was deleted.
_FRESH: Final = timedelta(seconds=60)
_UNSEEN_SECONDS: Final = 4.0
_MOST_PROBES: Final = 60
_MOST_NAMED: Final = 5


def create_once(
    request: CreateRequest[T], ctx: Context[Client], ensure_adoptable: Callable[[T], None] = lambda adopted: None
) -> CreateResult[T]:
    """Create an object, or adopt the one that an interrupted run created with the same key.

    Args:
        request: The create call.
        ctx: The operation's context, with the resource's idempotency keys.
        ensure_adoptable: Raises ResourceError for an earlier run's object that cannot get this run's arguments.

    Raises:
        ResourceError: The owner of an existing object cannot be determined, or `ensure_adoptable` rejects the object.
        PolykomosError: A call failed.
    """
    with ctx.idempotency_keys.lock():
        result = _create_or_adopt(request, ctx)
    if result.adopted:
        ensure_adoptable(result.object)
        ctx.warn(
            f"adopted existing {request.noun} {request.id_of(result.object)}: an interrupted run created it for this "
            "resource within the last 24 hours, and it is missing from the engine's state. If another program manages "
            f"it, remove this resource from the state and {_way_to_another(ctx.idempotency_keys)}"
        )
    return result


def _way_to_another(keys: IdempotencyKeys) -> str:
    """Return how a user gets another object than the adopted one."""
    if keys.of_plan:
        return "apply a new plan instead of the saved one"
    return "create it under another name (in Terraform: with another `idempotency_scope`)"


def _create_or_adopt(request: CreateRequest[T], ctx: Context[Client]) -> CreateResult[T]:
    own_keys = ctx.idempotency_keys
    for keys in own_keys.others:
        adopted = _find_earlier(request, keys, ctx)
        if adopted is not None:
            return adopted
    earlier = request.earlier
    # No earlier release had the keys of a plan.
    may_be_earlier = own_keys.deterministic and not own_keys.of_plan
    if earlier is not None and earlier.key_parts != request.key_parts and may_be_earlier:
        for keys in (*own_keys.others, own_keys):
            adopted = _find_earlier(earlier, keys, ctx)
            if adopted is not None:
                return adopted
    for generation in itertools.count(own_keys.next_generation(*request.key_parts)):
        result = _create_generation(request, generation, ctx)
        if result is not None:
            own_keys.claim(request.id_of(result.object), generation, *request.key_parts)
            return result
    raise AssertionError("counting never ends")


def _find_earlier(request: CreateRequest[T], keys: IdempotencyKeys, ctx: Context[Client]) -> CreateResult[T] | None:
    """Return the object that an earlier run created with other keys, or None.

    Nothing is created unless the API remembers one of the keys.
    """
    for generation in itertools.count(keys.next_generation(*request.key_parts)):
        key = keys.create_key(generation, *request.key_parts)
        if not _is_remembered(request, key):
            return None
        result = _send_with_key(request, key, ctx)
        if result is not None:
            keys.claim(request.id_of(result.object), generation, *request.key_parts)
            return result
    raise AssertionError("counting never ends")


def _is_remembered(request: CreateRequest[T], key: str) -> bool:
    """Return whether the API has received a key within the last 24 hours.

    The API rejects a known key with another body before it validates that body (api-facts S35). The body that is sent
    here lacks the required fields, so that an unknown key creates nothing.
    """
    for _ in range(2):
        try:
            request.send({**request.body, **dict.fromkeys(request.required)}, key)
        except IdempotencyConflictError:
            return True
        except NotFoundError:
            return False
        except InvalidRequestError as error:
            if error.field in request.required:
                return False
            # Another reason than the missing field: perhaps not the API's own response, so the key is sent once more.
    return False


def _create_generation(request: CreateRequest[T], generation: int, ctx: Context[Client]) -> CreateResult[T] | None:
    """Create the object with the key of one generation.

    Returns:
        The result, or None if the object of that key was deleted, is owned by another resource, or was never created.
    """
    keys = ctx.idempotency_keys
    if not keys.deterministic:
        return CreateResult(request.send(request.body, keys.create_key(generation)).object, adopted=False)
    if generation >= _MOST_GENERATIONS:
        ctx.warn(
            f"this resource was created {generation} times within 24 hours, more than are searched for the objects of "
            f"interrupted runs. If this run is interrupted, the new {request.noun} will not be found again: look for "
            "it at the service then"
        )
        return CreateResult(request.send(request.body, type(keys)().create_key(generation)).object, adopted=False)
    return _send_with_key(request, keys.create_key(generation, *request.key_parts), ctx)


def _send_with_key(request: CreateRequest[T], key: str, ctx: Context[Client]) -> CreateResult[T] | None:
    """Send the request with a key, and read again the object of a replayed response.

    Returns:
        The result, or None if the object of that key was deleted, is owned by another resource, or was never created.
    """
    try:
        response = request.send(request.body, key)
    except IdempotencyConflictError:
        candidate = _identify(request, key, ctx)
        if candidate is None or _is_owned_by_other(request, candidate, ctx):
            return None
        return CreateResult(candidate, adopted=True)
    except ApiError as error:
        if error.replayed:
            return None  # a request that was rejected once may be accepted now
        raise
    if not response.replayed:
        return CreateResult(response.object, adopted=False)
    keys = ctx.idempotency_keys
    if keys.is_known(request.id_of(response.object)) or request.precedes(response.object, keys.replaced):
        return None
    current = _read_current(request, response.object, ctx, patient=response.was_retried)
    if current is None or _is_owned_by_other(request, current, ctx, was_retried=response.was_retried):
        return None
    return CreateResult(current, adopted=not response.was_retried)


def _read_current(request: CreateRequest[T], created: T, ctx: Context[Client], *, patient: bool) -> T | None:
    """Return the object as it is now, or None if it was deleted."""
    created_at = request.created_at(created)
    patient = patient or created_at is None or datetime.now(UTC) - created_at < _FRESH
    try:
        return retry_until_found(
            lambda: request.refetch(created), seconds=_UNSEEN_SECONDS if patient else 0.0, cancel=ctx.cancel
        )
    except NotFoundError:
        return None


def _is_owned_by_other(
    request: CreateRequest[T], candidate: T, ctx: Context[Client], *, was_retried: bool = False
) -> bool:
    """Return whether another resource owns an object.

    Args:
        request: The create call.
        candidate: The object.
        ctx: The operation's context.
        was_retried: Whether this very call was sent twice, so that it most likely created the object itself.

    Raises:
        ResourceError: The engine's state cannot be read, and the call was sent once only.
    """
    is_taken = ctx.idempotency_keys.is_taken_by_other(request.id_of(candidate))
    if is_taken is None and not was_retried:
        raise ResourceError(
            f"an earlier run created {request.noun} {request.id_of(candidate)} for this resource, and the provider "
            "cannot determine whether the engine's state contains it, because reading the state failed. If no program "
            "manages it, import it or delete it at the service; then run this again"
        )
    return is_taken is True


def _identify(request: CreateRequest[T], key: str, ctx: Context[Client]) -> T | None:
    """Return the object that an earlier call created with this key and another body.

    The API reports only that the bodies differ. Sending the key with the original body returns the object; sending it
    with any other body changes nothing.

    Returns:
        The object as it is now, or None if it was deleted or cannot be identified.
    """
    if request.recent is None:
        raise ResourceError(
            f"a previous run used the idempotency key of this {request.noun} with a different request (for example, "
            "from another version of this provider), and the API does not report the result. The provider did not "
            "send it again, to avoid running the SQL twice. Check at the service whether it ran. If it did, import "
            "it; if not, rename the resource (in Terraform: or set another `idempotency_scope`), or wait 24 hours"
        )
    recent = request.recent
    # Of other resources' objects, only those of the same name are compared: one of them may be the one being replaced.
    candidates = [
        full
        for listed in recent.objects()
        if recent.possible_bodies(listed)[recent.label][0] == request.body[recent.label]
        or not ctx.idempotency_keys.is_known(request.id_of(listed))
        if (full := recent.fetch_full(listed)) is not None
    ]
    # If the API forgot the key in the meantime, a probe would create an object.
    probed = [
        recent.possible_bodies(candidate)
        for candidate in candidates
        if is_safe_to_probe(request.created_at(candidate), datetime.now(UTC))
    ]
    earlier_bodies = [] if request.earlier is None else [request.earlier.body]
    bodies = itertools.chain(
        earlier_bodies,
        *(candidate_bodies(body, probed, recent.label) for body in (request.body, *earlier_bodies)),
    )
    for body in itertools.islice(bodies, _MOST_PROBES):
        try:
            response = request.send(body, key)
        except IdempotencyConflictError:
            continue
        except (InvalidRequestError, NotFoundError) as error:
            if error.replayed:
                return None  # the original call created nothing
            continue
        if not response.replayed:
            ctx.warn(
                f"{request.noun} {request.id_of(response.object)} was created just now, with arguments of an earlier "
                "run: the provider was looking for that run's object, and the service no longer remembers the call "
                f"that created it. This resource uses the new {request.noun}. The earlier one may still exist: look "
                "for it at the service, and delete it there"
            )
            return response.object
        return _read_current(request, response.object, ctx, patient=False)
    all_tried = len(probed) == len(candidates) and next(bodies, None) is None
    _warn_of_candidates(request, candidates, ctx, all_tried=all_tried)
    return None


def _warn_of_candidates(
    request: CreateRequest[T], candidates: Iterable[T], ctx: Context[Client], *, all_tried: bool
) -> None:
    """Name the objects that the earlier call may have created; if there is none, it was most likely deleted."""
    assert request.recent is not None
    possible_bodies, label = request.recent.possible_bodies, request.recent.label
    named = [
        f"{request.id_of(candidate)} ({possible_bodies(candidate)[label][0]})"
        for candidate in candidates
        if not (all_tried and possible_bodies(candidate)[label][0] != request.body[label])
        and not ctx.idempotency_keys.is_taken(request.id_of(candidate))
    ]
    if named:
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        ctx.warn(
            "an earlier run created this resource with other arguments within the last 24 hours, and the provider "
            f"cannot identify its object, so it creates another {request.noun}. If the earlier run was interrupted, "
            f"its object may be one of {', '.join(named[:_MOST_NAMED])}{more}: delete it at the service, or import it "
            "instead of the new one"
        )


def is_safe_to_probe(created_at: datetime | None, now: datetime) -> bool:
    """Return whether the API will remember an object's key for as long as the probes take.

    A key is remembered for 24 hours (api-facts, Idempotency); clocks may differ by up to an hour. An object without a
    creation time is treated as new.
    """
    return created_at is None or now - created_at < _PROBED
