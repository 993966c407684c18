"""Connections to the control plane's own tables."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Row = dict[str, Any]
Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

# One request holds one connection only while its handler runs, not while it waits for provisioning.
MAX_CONNECTIONS = 16


def make_pool(conninfo: str) -> Pool:
    """A pool (not opened yet) of autocommit connections whose rows are dicts; use `conn.transaction()`."""
    return AsyncConnectionPool(
        conninfo,
        connection_class=AsyncConnection[DictRow],
        kwargs={"autocommit": True, "row_factory": dict_row},
        min_size=2,
        max_size=MAX_CONNECTIONS,
        open=False,
        name="store",
    )
