"""Running one call: transaction, idempotency record, what follows the commit."""

from __future__ import annotations

import asyncio
import contextlib

from controlplane.http import idempotency
from controlplane.http.calls import Call
from controlplane.http.errors import ApiError
from controlplane.http.idempotency import Kept, Key
from controlplane.http.replies import Reply
from controlplane.services import Services


async def run(call: Call, key: Key | None) -> Reply | ApiError:
    """The handler in its transaction; commits its changes together with the reply that the key keeps.

    An ApiError is handed back, not raised, because the same commit may have kept it as the key's reply.
    """
    if key is None:
        return await _run_unkeyed(call)
    outcome: Reply | ApiError
    async with call.conn.transaction():
        try:
            kept = await idempotency.claim(call.conn, key, call.now)
        except ApiError as refusal:
            return refusal
        if kept is not None:
            return Reply(kept.status, {**kept.body, "idempotency_replay": True})
        try:
            # A savepoint: a failure undoes the handler's changes but not the record of its reply.
            async with call.conn.transaction():
                outcome = await call.operation.handler(call)
        except ApiError as error:
            outcome = error
        await _keep(call, key, outcome)
    if isinstance(outcome, Reply):
        _tell(call)
    return outcome


async def _run_unkeyed(call: Call) -> Reply | ApiError:
    # Reading needs no transaction; its statements are one each for what is shown.
    transaction = contextlib.nullcontext() if call.operation.method == "GET" else call.conn.transaction()
    try:
        async with transaction:
            outcome = await call.operation.handler(call)
    except ApiError as error:
        return error
    _tell(call)
    return outcome


def _tell(call: Call) -> None:
    for callback in call.commit_callbacks:
        callback()


async def _keep(call: Call, key: Key, outcome: Reply | ApiError) -> None:
    if isinstance(outcome, ApiError):
        if idempotency.is_kept(outcome.status, outcome.code):
            await idempotency.keep(call.conn, key, outcome.status, outcome.body(), pending_owner=None, now=call.now)
        return
    pending_owner = None if outcome.then is None else call.services.process_no
    await idempotency.keep(call.conn, key, outcome.status, outcome.body, pending_owner=pending_owner, now=call.now)


async def finish(services: Services, reply: Reply, key: Key | None) -> Reply:
    """Do what the reply left for after the commit, and store the better reply in place of the first."""
    if reply.then is None:
        return reply
    final: Reply | None = None
    try:
        final = await reply.then()
    finally:
        if key is not None:
            kept = None if final is None else Kept(final.status, final.body)
            await asyncio.shield(_settle(services, key, kept))
    return final


async def _settle(services: Services, key: Key, final: Kept | None) -> None:
    async with services.pool.connection() as conn, conn.transaction():
        await idempotency.settle(conn, key, final)
