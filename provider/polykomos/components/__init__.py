"""The Polykomos components: resources made of resources."""

from __future__ import annotations

from typing import Any

from polykomos.components.managed_database.component import ManagedDatabase
from resourcekit.component import Component

COMPONENTS: tuple[Component[Any, Any], ...] = (ManagedDatabase(),)
