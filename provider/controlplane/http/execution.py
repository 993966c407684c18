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


async def run(call: Call, key: Key | None) -> Reply:
    """The handler in its transaction; commits its changes together with the reply that the key keeps.

    Raises ApiError, which undoes the changes; one that the key keeps is its reply from then on.
    """
    try:
        # Reading needs no transaction; its statements are one each for what is shown.
        async with contextlib.nullcontext() if call.operation.method == "GET" else call.conn.transaction():
            kept = None if key is None else await idempotency.claim(call.conn, key, call.now)
            if kept is not None:
                return _replay(kept)
            reply = await call.operation.handler(call)
            if key is not None:
                pending_owner = None if reply.then is None else call.services.process_no
                await idempotency.keep(
                    call.conn, key, reply.status, reply.body, pending_owner=pending_owner, now=call.now
                )
    except ApiError as refusal:
        if key is not None and idempotency.is_kept(refusal.status, refusal.code):
            return await _refuse(call, key, refusal)
        raise
    for callback in call.commit_callbacks:
        callback()
    return reply


async def _refuse(call: Call, key: Key, refusal: ApiError) -> Reply:
    """Keep and raise it; or, where another call has taken the key since the handler's transaction, that one's reply."""
    async with call.conn.transaction():
        kept = await idempotency.claim(call.conn, key, call.now)
        if kept is not None:
            return _replay(kept)
        await idempotency.keep(call.conn, key, refusal.status, refusal.body(), pending_owner=None, now=call.now)
    raise refusal


def _replay(kept: Kept) -> Reply:
    return Reply(kept.status, {**kept.body, "idempotency_replay": True})


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
    async with services.pool.connection() as conn:
        await idempotency.settle(conn, key, final)
