"""Threads for what tenants have the server do, which may take minutes.

The event loop's own threads, in which names are looked up and everybody's databases are made and locked, stay free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")

# As many as are applied at the same time, those of creations included.
BLUEPRINT_EXECUTOR: Final = ThreadPoolExecutor(24, thread_name_prefix="mysql-application")
# For what somebody waits for, and is over in half a minute.
QUERY_EXECUTOR: Final = ThreadPoolExecutor(32, thread_name_prefix="mysql-question")


async def run_in_executor(threads: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
    """The result of blocking work."""
    return await asyncio.get_running_loop().run_in_executor(threads, work, *arguments)
