"""Run one request: its transaction, its idempotency record, and what follows the commit."""

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
    """Run the handler in its transaction and store the response for the Idempotency-Key in it.

    Raises:
        ApiError: The changes are rolled back. If the error is storable, it is stored as the response of the key.
    """
    try:
        # A GET needs no transaction: it reads with a single statement.
        async with contextlib.nullcontext() if call.operation.method == "GET" else call.conn.transaction():
            stored = None if key is None else await idempotency.claim(call.conn, key, call.now)
            if stored is not None:
                return _replay(stored)
            response = await call.operation.handler(call)
            if key is not None:
                pending_owner = None if response.after_commit is None else call.services.process_id
                await idempotency.store(
                    call.conn, key, response.status, response.body, pending_owner=pending_owner, now=call.now
                )
    except ApiError as error:
        if key is not None and idempotency.is_storable(error.status, error.code):
            return await _refuse(call, key, error)
        raise
    for callback in call.commit_callbacks:
        callback()
    return response


async def _refuse(call: RequestContext, key: Key, error: ApiError) -> ApiResponse:
    """Store and raise the error, or return the response of another request that has taken the key meanwhile."""
    async with call.conn.transaction():
        stored = await idempotency.claim(call.conn, key, call.now)
        if stored is not None:
            return _replay(stored)
        await idempotency.store(call.conn, key, error.status, error.body(), pending_owner=None, now=call.now)
    raise error


def _replay(stored: StoredReply) -> ApiResponse:
    return ApiResponse(stored.status, {**stored.body, "idempotency_replay": True})


async def run_after_commit(services: Services, response: ApiResponse, key: Key | None) -> ApiResponse:
    """Do what the response left for after the commit, and store the final response in place of the first."""
    if response.after_commit is None:
        return response
    final: ApiResponse | None = None
    try:
        final = await response.after_commit()
    finally:
        if key is not None:
            stored = None if final is None else StoredReply(final.status, final.body)
            await asyncio.shield(_settle(services, key, stored))
    return final


async def _settle(services: Services, key: Key, final: StoredReply | None) -> None:
    async with services.pool.connection() as conn:
        await idempotency.finalize(conn, key, final)
