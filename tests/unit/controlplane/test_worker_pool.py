"""Background work whose pieces fail."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from controlplane import worker_pool
from controlplane.notifier import Notifier


def test_a_piece_that_failed_is_given_back_however_often_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else takes what a living process has claimed."""
    monkeypatch.setattr(worker_pool, "_RETRY_SECONDS", 0)
    queued, told = ["piece"], []
    attempts = {"do": 0, "give back": 0}
    ended = asyncio.Event()

    async def claim() -> worker_pool.Claim[str]:
        return worker_pool.Claim(queued.pop(), 0) if queued else worker_pool.Claim(None, 60)

    async def do(piece: str) -> None:
        attempts["do"] += 1
        if attempts["do"] == 1:
            raise ConnectionError("in the middle")
        ended.set()

    async def give_back(piece: str, error: Exception) -> None:
        attempts["give back"] += 1
        if attempts["give back"] < 3:
            raise ConnectionError("still")
        told.append(str(error))
        queued.append(piece)

    async def whole() -> None:
        work = asyncio.create_task(worker_pool.run_workers(Notifier(), 1, claim, do, give_back))
        await asyncio.wait_for(ended.wait(), 5)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    asyncio.run(whole())
    assert attempts == {"do": 2, "give back": 3}
    assert told == ["in the middle"]
