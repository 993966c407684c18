"""Interface of blueprints for creating databases. `controlplane.registry` injects the implementation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from controlplane.db.pool import Row
from controlplane.http.context import RequestContext
from controlplane.services import Services

QueueInitialBlueprint = Callable[[RequestContext, Row, str, Mapping[str, Any] | None], Awaitable[int]]
"""Queues, in the transaction that creates a database (its row), the blueprint of a UUID with values by name.

It returns the application's number, and raises ApiError if the blueprint cannot be applied.
"""

RunInitialBlueprint = Callable[[Services, int], Awaitable[None]]
"""Runs the application of this number until it has ended. It may be called again after a failure."""
