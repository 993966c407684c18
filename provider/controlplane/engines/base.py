"""What the control plane asks of a database engine; one folder implements it for each.

The control plane's rows are in PostgreSQL. A PostgreSQL tenant is on the same server, so most of what is done to it
commits together with the row that says so (`shares_transactions`). Any other tenant is on another server: there the row
comes first, each step can be run again, and a worker repeats what a crash left undone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from controlplane.db.pool import Connection, Row

StepCallback = Callable[[str], Awaitable[None]]
"""Told of a step (controls.STEPS) that is reached."""


class EngineUnavailableError(Exception):
    """The engine's server cannot be reached now; the message holds no secret."""


@dataclass(frozen=True)
class Endpoint:
    """Where tenants connect to, and the scheme of their connection strings (S39)."""

    scheme: str
    host: str
    port: int


class DatabaseEngine(Protocol):
    """One engine.

    value, label: as in the catalog. shares_transactions: hand_over, limit_connections and revoke take effect with the
    transaction of `conn`; else at once, and may be called any number of times. All may raise EngineDown.
    """

    value: str
    label: str
    transactional: bool

    @property
    def unavailable_reason(self) -> str | None:
        """Why no database of this engine can be ordered here, None when it can."""

    @property
    def is_local(self) -> bool:
        """Whether this process runs the jobs of this engine."""

    @property
    def is_running(self) -> bool:
        """Whether its server runs now. To ask more of one that does not would start it."""

    @property
    def endpoint(self) -> Endpoint:
        """Where its tenants connect to."""

    async def provision(self, number: int, reached: StepCallback) -> None:
        """Make what an instance needs before it has a name; what is there is kept. Nobody can log in yet.

        reached: called with `after_role` once that is made.
        """

    async def assign(self, conn: Connection, row: Row, connections: int) -> None:
        """Give a built instance its name and let the tenant in."""

    async def limit_connections(self, conn: Connection, row: Row, connections: int) -> None:
        """Set the limit of simultaneous connections; sessions that are open already stay."""

    async def revoke_access(self, conn: Connection, row: Row) -> None:
        """No new session."""

    async def restore_access(self, conn: Connection, row: Row) -> None:
        """Take a revocation back."""

    async def terminate_sessions(self, row: Row) -> None:
        """End the open ones."""

    async def destroy(self, row: Row) -> None:
        """Drop whatever exists of it."""

    async def enforce_revocations(self) -> None:
        """Find deleted tenants who can still get in, whatever the reason, and end that."""

    async def measure_sizes(self, live: list[Row]) -> dict[int, int]:
        """Bytes that each of these databases takes, by number; those that are gone are left out."""

    async def block_writes(self, row: Row) -> None:
        """Nothing can be added or changed, all can be read and deleted; the tenant cannot lift it. Repeatable."""

    async def allow_writes(self, row: Row) -> None:
        """Give everything back that `block_writes` took. Repeatable."""


class EngineRegistry:
    """All of them, by value."""

    def __init__(self, *engines: DatabaseEngine) -> None:
        self._engines: Mapping[str, DatabaseEngine] = {engine.value: engine for engine in engines}

    def __iter__(self) -> Iterator[DatabaseEngine]:
        return iter(self._engines.values())

    def of(self, db_type: str) -> DatabaseEngine:
        """The engine of a database's row."""
        return self._engines[db_type]

    def get(self, value: str) -> DatabaseEngine | None:
        """By its name in the catalog."""
        return self._engines.get(value)

    @property
    def hosted(self) -> list[str]:
        """Those whose jobs this process runs."""
        return [engine.value for engine in self if engine.is_local]

    @property
    def available(self) -> list[str]:
        """Those that can be ordered."""
        return [engine.value for engine in self if engine.unavailable_reason is None]
