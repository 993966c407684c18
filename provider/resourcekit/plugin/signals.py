"""Signals that end a plugin process."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Collection


def call_on_signal(numbers: Collection[int], call: Callable[[], object]) -> None:
    """Call a function in another thread whenever one of these signals arrives.

    A handler in Python runs in the main thread, once that executes another instruction. A signal that arrives just
    before the main thread begins to wait, or that the system gives to another thread, would have no effect. The byte
    that the interpreter writes for each signal has one at once.
    """
    reading, writing = socket.socketpair()
    writing.settimeout(0)
    signal.set_wakeup_fd(writing.detach(), warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: None)

    def watch() -> None:
        while True:
            if reading.recv(1)[0] in numbers:
                call()

    threading.Thread(target=watch, name="signal-watch", daemon=True).start()
