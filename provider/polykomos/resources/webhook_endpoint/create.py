"""The create call of a webhook endpoint, whose response is the only one that contains the endpoint's secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from polykomos import client
from polykomos.client import NotFoundError, PolykomosError
from polykomos.resources.create_request import CreateRequest, RecentObjects, is_within_key_lifetime

if TYPE_CHECKING:
    from polykomos.client import Client, CreatedWebhookEndpoint, WebhookEndpoint, WriteResult


def create_request(url: str, events: Sequence[str], api: Client) -> CreateRequest[CreatedWebhookEndpoint]:
    """Return the create call of an endpoint."""
    body = {"url": url, "events": list(events)}

    def send(fields: Mapping[str, Any], key: str) -> WriteResult[CreatedWebhookEndpoint]:
        created = api.create_webhook_endpoint(**fields, idempotency_key=key)
        return client.WriteResult(object=created, replayed=created.replayed, was_retried=created.was_retried)

    def refetch(created: CreatedWebhookEndpoint) -> CreatedWebhookEndpoint | None:
        """Return the listed endpoint with the secret of the replayed response, which no other call returns."""
        number = created.endpoint.id
        endpoint = next((listed for listed in api.iter_webhook_endpoints() if listed.id == number), None)
        if endpoint is None:
            raise NotFoundError(404, "not_found", f"webhook endpoint {number} is not in the list")
        return None if endpoint.status == "revoked" else created.model_copy(update={"endpoint": endpoint})

    def recent() -> list[CreatedWebhookEndpoint]:
        return [
            client.CreatedWebhookEndpoint(endpoint=endpoint)
            for endpoint in _active(api)
            if is_within_key_lifetime(endpoint.created_at)
        ]

    return CreateRequest(
        noun="webhook endpoint",
        body=body,
        send=send,
        refetch=refetch,
        id_of=lambda created: str(created.endpoint.id),
        created_at=lambda created: created.endpoint.created_at,
        required=("url",),
        recent=RecentObjects(recent, _possible_bodies, label="url"),
    )


def _possible_bodies(created: CreatedWebhookEndpoint) -> dict[str, list[Any]]:
    """Return the values that the request that created an endpoint may have had."""
    return {"url": [created.endpoint.url], "events": [list(created.endpoint.events)]}


def existing_endpoints_at(url: str, api: Client) -> list[WebhookEndpoint]:
    """Return the active endpoints at a URL; none if the key may not list them."""
    try:
        return [
            endpoint
            for endpoint in api.cached_webhook_endpoints()
            if endpoint.url == url and endpoint.status != "revoked"
        ]
    except PolykomosError:
        return []


def _active(api: Client) -> Iterator[WebhookEndpoint]:
    return (endpoint for endpoint in api.iter_webhook_endpoints() if endpoint.status != "revoked")
