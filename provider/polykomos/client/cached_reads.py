"""Reads of single objects, from shared list pages where that takes fewer calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from polykomos.client.blueprints import BlueprintsApi
from polykomos.client.databases import DatabasesApi
from polykomos.client.errors import NotFoundError
from polykomos.client.models import Blueprint, Database, WebhookEndpoint
from polykomos.client.webhooks import WebhooksApi
from resourcekit.http.list_cache.cache import Page
from resourcekit.http.transport import DEADLINE_SECONDS

ModelT = TypeVar("ModelT", bound=BaseModel)


class CachedReads(DatabasesApi, BlueprintsApi, WebhooksApi):
    """Reads for drift detection.

    Results are at most `read_snapshot_seconds` old, and never from before this client's own last write to the
    collection. To confirm a write, use the `get_` methods.

    Lists leave fields out. `complete` returns a listed object with those fields, or None if the caller does not know
    them; the object itself is then read.
    """

    def read_database(self, uuid: str, complete: Callable[[Database], Database | None]) -> Database:
        """Read a database; raises NotFoundError."""
        listed = self._listed("databases", Database, "uuid", uuid)
        return (complete(listed) if listed is not None else None) or self.get_database(uuid)

    def read_blueprint(self, uuid: str, complete: Callable[[Blueprint], Blueprint | None]) -> Blueprint:
        """Read a blueprint; raises NotFoundError."""
        listed = self._listed("blueprints", Blueprint, "uuid", uuid)
        return (complete(listed) if listed is not None else None) or self.get_blueprint(uuid)

    def read_webhook_endpoint(self, number: int) -> WebhookEndpoint:
        """Read an endpoint, which the API returns in its list only; raises NotFoundError."""
        listed = self._listed("webhook_endpoints", WebhookEndpoint, "id", str(number), singly=False)
        endpoint = listed or next((item for item in self.iter_webhook_endpoints() if item.id == number), None)
        if endpoint is None:
            raise NotFoundError(404, "not_found", f"there is no webhook endpoint {number}")
        return endpoint

    def _listed(self, kind: str, model: type[ModelT], cursor: str, id: str, *, singly: bool = True) -> ModelT | None:
        caches, options = self._transport.list_caches, self._transport.options
        if caches.seconds <= 0:
            return None

        def read_page(after: str | None) -> Page[ModelT]:
            listed = self._page(f"/{kind}", model, cursor, after)
            return Page(listed.items, listed.next is not None, listed.asked_at)

        deadline = options.deadline if options.deadline is not None else time.monotonic() + DEADLINE_SECONDS
        item: ModelT | None = caches.of(kind).lookup(
            id, read_page, deadline=deadline, cancel=options.cancel, singly=singly
        )
        return item
