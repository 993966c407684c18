"""Running one call: transaction, idempotency record, what follows the commit."""

from __future__ import annotations

import asyncio
import contextlib

from controlplane.http import idempotency
from controlplane.http.context import RequestContext
from controlplane.http.errors import ApiError
from controlplane.http.idempotency import Key, StoredReply
from controlplane.http.responses import ApiResponse
from controlplane.services import Services


async def run_in_transaction(call: RequestContext, key: Key | None) -> ApiResponse:
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
                pending_owner = None if reply.after_commit is None else call.services.process_id
                await idempotency.store(
                    call.conn, key, reply.status, reply.body, pending_owner=pending_owner, now=call.now
                )
    except ApiError as refusal:
        if key is not None and idempotency.is_storable(refusal.status, refusal.code):
            return await _refuse(call, key, refusal)
        raise
    for callback in call.commit_callbacks:
        callback()
    return reply


async def _refuse(call: RequestContext, key: Key, refusal: ApiError) -> ApiResponse:
    """Keep and raise it; or, where another call has taken the key since the handler's transaction, that one's reply."""
    async with call.conn.transaction():
        kept = await idempotency.claim(call.conn, key, call.now)
        if kept is not None:
            return _replay(kept)
        await idempotency.store(call.conn, key, refusal.status, refusal.body(), pending_owner=None, now=call.now)
    raise refusal


def _replay(kept: StoredReply) -> ApiResponse:
    return ApiResponse(kept.status, {**kept.body, "idempotency_replay": True})


async def run_after_commit(services: Services, reply: ApiResponse, key: Key | None) -> ApiResponse:
    """Do what the reply left for after the commit, and store the better reply in place of the first."""
    if reply.after_commit is None:
        return reply
    final: ApiResponse | None = None
    try:
        final = await reply.after_commit()
    finally:
        if key is not None:
            kept = None if final is None else StoredReply(final.status, final.body)
            await asyncio.shield(_settle(services, key, kept))
    return final


async def _settle(services: Services, key: Key, final: StoredReply | None) -> None:
    async with services.pool.connection() as conn:
        await idempotency.finalize(conn, key, final)
