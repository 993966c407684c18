"""The interface of a database engine. One folder implements it for each engine.

The control plane's rows are in PostgreSQL. A PostgreSQL tenant is on the same server, so most changes to it commit
together with the row that says so (`transactional`). A tenant of another engine is on another server: there the row
comes first, each step can be repeated, and a worker repeats what a crash left undone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from controlplane.db.pool import Connection, Row

StepCallback = Callable[[str], Awaitable[None]]
"""Called with a step (dev_controls.STEPS) that is reached."""


class EngineUnavailableError(Exception):
    """The engine's server cannot be reached now. The message contains no secret."""


@dataclass(frozen=True)
class Endpoint:
    """The address that tenants connect to, and the scheme of their connection strings (S39)."""

    scheme: str
    host: str
    port: int


class DatabaseEngine(Protocol):
    """A database engine. All methods may raise EngineUnavailableError."""

    value: str  # the engine's name in the catalog
    label: str  # the engine's name for people
    # Whether `assign`, `limit_connections` and `revoke_access` take effect with the transaction of `conn`. Otherwise
    # they take effect at once, and can be repeated.
    transactional: bool

    @property
    def unavailable_reason(self) -> str | None:
        """Return why no database of this engine can be ordered here, or None if one can."""

    @property
    def is_local(self) -> bool:
        """Return whether this process runs the jobs of this engine."""

    @property
    def is_running(self) -> bool:
        """Return whether the engine's server runs now. Any other request to a stopped server would start it."""

    @property
    def endpoint(self) -> Endpoint:
        """Return the address that tenants connect to."""

    async def provision(self, number: int, reached: StepCallback) -> None:
        """Create what an instance needs before it has a name. Repeatable. Nobody can log in yet.

        `reached` is called with `after_role` once the role exists.
        """

    async def assign(self, conn: Connection, row: Row, connections: int) -> None:
        """Give a provisioned instance its name and let the tenant log in."""

    async def limit_connections(self, conn: Connection, row: Row, connections: int) -> None:
        """Set the limit of simultaneous connections. Open sessions stay."""

    async def revoke_access(self, conn: Connection, row: Row) -> None:
        """Refuse new sessions."""

    async def restore_access(self, conn: Connection, row: Row) -> None:
        """Undo a revocation."""

    async def terminate_sessions(self, row: Row) -> None:
        """End the open sessions."""

    async def destroy(self, row: Row) -> None:
        """Drop what exists of the instance."""

    async def enforce_revocations(self) -> None:
        """End the access of deleted tenants who can still log in or have a session, whatever the reason."""

    async def measure_sizes(self, live: list[Row]) -> dict[int, int]:
        """Return the bytes of each of these databases, by number, without databases that no longer exist."""

    async def block_writes(self, row: Row) -> None:
        """Refuse additions and changes; the tenant cannot undo this. Reading and deleting stay possible. Repeatable."""

    async def allow_writes(self, row: Row) -> None:
        """Undo `block_writes`. Repeatable."""


class EngineRegistry:
    """All engines, by value."""

    def __init__(self, *engines: DatabaseEngine) -> None:
        self._engines: Mapping[str, DatabaseEngine] = {engine.value: engine for engine in engines}

    def __iter__(self) -> Iterator[DatabaseEngine]:
        return iter(self._engines.values())

    def of(self, db_type: str) -> DatabaseEngine:
        """Return the engine of a database's row."""
        return self._engines[db_type]

    def get(self, value: str) -> DatabaseEngine | None:
        """Return an engine by its name in the catalog, or None."""
        return self._engines.get(value)

    @property
    def hosted(self) -> list[str]:
        """Return the engines whose jobs this process runs."""
        return [engine.value for engine in self if engine.is_local]

    @property
    def available(self) -> list[str]:
        """Return the engines that can be ordered."""
        return [engine.value for engine in self if engine.unavailable_reason is None]
