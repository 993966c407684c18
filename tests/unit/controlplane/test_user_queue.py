"""Slots of users, and the port of an embedded server."""

from __future__ import annotations

import asyncio
import socket

import pytest

from controlplane.blueprints.validation import validation_busy
from controlplane.engines.ports import HOST, free_port
from controlplane.http.errors import ApiError
from controlplane.user_queue import UserQueue


def test_a_user_without_a_slot_in_time_gets_503_and_other_users_do_not_wait() -> None:
    async def scenario() -> None:
        queue = UserQueue(validation_busy, at_once=1, patience=0.05)
        async with queue.slot(1):
            async with queue.slot(2):
                pass
            with pytest.raises(ApiError) as caught:
                await queue.slot(1).__aenter__()
        assert (caught.value.status, caught.value.code) == (503, "validation_busy")
        assert caught.value.headers == {"Retry-After": "1"}
        async with queue.slot(1):
            pass

    asyncio.run(scenario())


def test_a_port_that_is_taken_is_replaced_by_a_free_one() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) not in (0, port)
    wanted = free_port(0)
    assert free_port(wanted) == wanted
