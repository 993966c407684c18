"""Reads of single objects, answered from shared list pages where that is cheaper."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from polykomos.client.blueprints import BlueprintsApi
from polykomos.client.databases import DatabasesApi
from polykomos.client.errors import NotFoundError
from polykomos.client.list_cache.cache import Page
from polykomos.client.models import Blueprint, Database, WebhookEndpoint
from polykomos.client.transport import DEADLINE_SECONDS
from polykomos.client.webhooks import WebhooksApi

ModelT = TypeVar("ModelT", bound=BaseModel)


class CachedReads(DatabasesApi, BlueprintsApi, WebhooksApi):
    """Reads for finding drift. What they give is at most `read_snapshot_seconds` old, and never from before this
    client's own last write of the kind. To confirm a write, use the `get_` methods.

    whole: makes a listed object whole by what the caller knows of it already (lists leave fields out); None when it
    cannot, and then the object itself is read.
    """

    def read_database(self, uuid: str, whole: Callable[[Database], Database | None]) -> Database:
        """One database. Raises NotFound."""
        listed = self._listed("databases", Database, "uuid", uuid)
        return (whole(listed) if listed is not None else None) or self.get_database(uuid)

    def read_blueprint(self, uuid: str, whole: Callable[[Blueprint], Blueprint | None]) -> Blueprint:
        """One blueprint. Raises NotFound."""
        listed = self._listed("blueprints", Blueprint, "uuid", uuid)
        return (whole(listed) if listed is not None else None) or self.get_blueprint(uuid)

    def read_webhook_endpoint(self, number: int) -> WebhookEndpoint:
        """One endpoint, which the API shows in its list alone. Raises NotFound."""
        listed = self._listed("webhook_endpoints", WebhookEndpoint, "id", str(number), singly=False)
        found = listed or next((each for each in self.iter_webhook_endpoints() if each.id == number), None)
        if found is None:
            raise NotFoundError(404, "not_found", f"there is no webhook endpoint {number}")
        return found

    def _listed(self, kind: str, model: type[ModelT], cursor: str, id: str, *, singly: bool = True) -> ModelT | None:
        snapshots, bounds = self._transport.snapshots, self._transport.bounds
        if snapshots.seconds <= 0:
            return None

        def read_page(after: str | None) -> Page[ModelT]:
            listed = self._page(f"/{kind}", model, after)
            return Page({str(getattr(item, cursor)): item for item in listed.items}, listed.has_more, listed.asked_at)

        deadline = bounds.deadline if bounds.deadline is not None else time.monotonic() + DEADLINE_SECONDS
        found: ModelT | None = snapshots.of(kind).lookup(
            id, read_page, deadline=deadline, cancel=bounds.cancel, singly=singly
        )
        return found
