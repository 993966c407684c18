"""What an action tells while it goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from resourcekit.errors import ResourceError
from resourcekit.terraform.rpc.action import stream_progress


def test_progress_is_reported_at_once() -> None:
    go_on = threading.Event()

    def work(say: Callable[[str], None]) -> None:
        say("begun")
        assert go_on.wait(60)
        say("done")

    told = stream_progress(work)
    assert next(told) == "begun"
    go_on.set()
    assert list(told) == ["done"]


def test_an_error_follows_the_progress_messages() -> None:
    def work(say: Callable[[str], None]) -> None:
        say("begun")
        raise ResourceError("it broke")

    told = stream_progress(work)
    assert next(told) == "begun"
    with pytest.raises(ResourceError, match="it broke"):
        next(told)
