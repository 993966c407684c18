"""Lists: `limit`, `starting_after`, `has_more` (api-facts "Pagination")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from controlplane.http.replies import ApiResponse
from controlplane.store.pool import Row


@dataclass(frozen=True)
class Page:
    """limit: items wanted (1-100). starting_after: the raw cursor, None on the first page."""

    limit: int
    starting_after: str | None

    @property
    def fetch(self) -> int:
        """How many rows to select: one more than wanted tells whether there are more."""
        return self.limit + 1


def page_reply(rows: Sequence[Row], page: Page, view: Callable[[Row], dict[str, Any]]) -> ApiResponse:
    """The list envelope out of up to `page.fetch` rows."""
    return ApiResponse(200, {"data": [view(row) for row in rows[: page.limit]], "has_more": len(rows) > page.limit})
