"""Interface of blueprints for creating databases. `controlplane.registry` injects the implementation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from controlplane.db.pool import Connection, Row
from controlplane.http.principal import Principal
from controlplane.services import Services


class QueueInitialBlueprint(Protocol):
    """Queues the application of a blueprint in the transaction that creates its database."""

    async def __call__(
        self,
        conn: Connection,
        *,
        principal: Principal,
        database: Row,
        blueprint_uuid: str,
        variables: Mapping[str, Any] | None,
        now: datetime,
    ) -> int:
        """Queue the application and return its number. Raise ApiError if the blueprint cannot be applied."""


RunInitialBlueprint = Callable[[Services, int], Awaitable[None]]
"""Runs the application of this number until it has ended. It may be called again after a failure."""
