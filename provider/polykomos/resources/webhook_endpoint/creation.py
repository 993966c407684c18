"""How a webhook endpoint is made exactly once, and with it the secret that the API shows to the creating call alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from polykomos.client import Client, CreatedWebhookEndpoint, PolykomosError, WebhookEndpoint
from polykomos.resources.creation import Kind, is_recent, variations


def creation_of(url: str, events: Sequence[str], api: Client) -> Kind[CreatedWebhookEndpoint]:
    """The request that makes it."""
    body = {"url": url, "events": list(events)}

    def send(fields: Mapping[str, Any], key: str) -> tuple[CreatedWebhookEndpoint, bool]:
        made = api.create_webhook_endpoint(**fields, idempotency_key=key)
        return made, made.replayed

    def find(made: CreatedWebhookEndpoint) -> CreatedWebhookEndpoint | None:
        """With the secret of the replayed answer: nothing else tells it."""
        there = next((each for each in _active(api) if each.id == made.endpoint.id), None)
        return None if there is None else made.model_copy(update={"endpoint": there})

    def earlier() -> Iterator[tuple[CreatedWebhookEndpoint, Iterable[Mapping[str, Any]]]]:
        for found in _active(api):
            if is_recent(found.created_at) and (found.url == url or sorted(found.events) == sorted(events)):
                options: dict[str, list[Any]] = {"url": [found.url], "events": [list(found.events)]}
                yield CreatedWebhookEndpoint(endpoint=found), variations(body, options, 2)

    return Kind("webhook endpoint", body, send, find, lambda made: str(made.endpoint.id), earlier)


def earlier_at(url: str, api: Client) -> list[WebhookEndpoint]:
    """Active endpoints that hear at this address before one is made there; none where the key may not list them."""
    try:
        return [each for each in api.earlier_webhook_endpoints() if each.url == url and each.status != "revoked"]
    except PolykomosError:
        return []


def _active(api: Client) -> Iterator[WebhookEndpoint]:
    return (each for each in api.iter_webhook_endpoints() if each.status != "revoked")
