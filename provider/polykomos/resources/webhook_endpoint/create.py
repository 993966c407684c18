"""How a webhook endpoint is made exactly once, and with it the secret that the API shows to the creating call alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from polykomos import client
from polykomos.client import NotFoundError, PolykomosError
from polykomos.resources.create_once import CreateRequest, RecentObjects, is_within_key_lifetime

if TYPE_CHECKING:
    from polykomos.client import Client, CreatedWebhookEndpoint, WebhookEndpoint, WriteResult


def create_request(url: str, events: Sequence[str], api: Client) -> CreateRequest[CreatedWebhookEndpoint]:
    """The request that makes it."""
    body = {"url": url, "events": list(events)}

    def send(fields: Mapping[str, Any], key: str) -> WriteResult[CreatedWebhookEndpoint]:
        made = api.create_webhook_endpoint(**fields, idempotency_key=key)
        return client.WriteResult(object=made, replayed=made.replayed, was_retried=made.was_retried)

    def find(made: CreatedWebhookEndpoint) -> CreatedWebhookEndpoint | None:
        """With the secret of the replayed answer: nothing else tells it."""
        number = made.endpoint.id
        there = next((each for each in api.iter_webhook_endpoints() if each.id == number), None)
        if there is None:
            raise NotFoundError(404, "not_found", f"webhook endpoint {number} is not in the list")
        return None if there.status == "revoked" else made.model_copy(update={"endpoint": there})

    def recent() -> list[CreatedWebhookEndpoint]:
        return [
            client.CreatedWebhookEndpoint(endpoint=each)
            for each in _active(api)
            if is_within_key_lifetime(each.created_at)
        ]

    return CreateRequest(
        noun="webhook endpoint",
        body=body,
        send=send,
        refetch=find,
        id_of=lambda made: str(made.endpoint.id),
        created_at=lambda made: made.endpoint.created_at,
        required=("url",),
        recent=RecentObjects(recent, _options, label="url"),
    )


def _options(found: CreatedWebhookEndpoint) -> dict[str, list[Any]]:
    """What the request that made it may have held."""
    return {"url": [found.endpoint.url], "events": [list(found.endpoint.events)]}


def existing_endpoints_at(url: str, api: Client) -> list[WebhookEndpoint]:
    """Active endpoints that hear at this address before one is made there; none where the key may not list them."""
    try:
        return [each for each in api.cached_webhook_endpoints() if each.url == url and each.status != "revoked"]
    except PolykomosError:
        return []


def _active(api: Client) -> Iterator[WebhookEndpoint]:
    return (each for each in api.iter_webhook_endpoints() if each.status != "revoked")
