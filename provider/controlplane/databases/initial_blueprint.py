"""What a database's creation needs of blueprints. `controlplane.registry` injects it: this package imports none."""

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
        """Return the application's number. Raises ApiError."""


RunInitialBlueprint = Callable[[Services, int], Awaitable[None]]
"""Brings the application of this number to its end; it may be called again."""
