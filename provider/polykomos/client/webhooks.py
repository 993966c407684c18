"""Webhook endpoints (operations 11-15)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from polykomos.client._base import ApiGroup, parse, path_segment
from polykomos.client.models import CreatedWebhookEndpoint, WebhookDelivery, WebhookEndpoint
from resourcekit.http.retry import RetrySafety

EARLIER_SECONDS: Final = 60.0


class WebhooksApi(ApiGroup):
    """Calls about webhook endpoints."""

    def iter_webhook_endpoints(self, after: str | None = None) -> Iterator[WebhookEndpoint]:
        """Yield every endpoint, including revoked ones."""
        return self._pages("/webhook_endpoints", WebhookEndpoint, "id", after)

    def cached_webhook_endpoints(self) -> list[WebhookEndpoint]:
        """Return every endpoint, at most a minute old, so that many creates share one list."""

        def load() -> list[WebhookEndpoint]:
            return list(self.iter_webhook_endpoints())

        return list(self._transport.cache.get_or_load("/webhook_endpoints", load, EARLIER_SECONDS))

    def create_webhook_endpoint(
        self, *, url: str, events: Sequence[str] = (), idempotency_key: str | None = None
    ) -> CreatedWebhookEndpoint:
        """Create an endpoint; an empty `events` means all. Only this result contains the secret."""
        body = {"url": url, "events": list(events)}
        response = self._transport.request(
            "POST", "/webhook_endpoints", json=body, safety=RetrySafety.KEYED, idempotency_key=idempotency_key
        )
        return parse(
            CreatedWebhookEndpoint,
            {
                "endpoint": response.body.get("data"),
                "secret": response.body.get("secret"),
                "replayed": bool(response.body.get("idempotency_replay")),
                "was_retried": response.was_retried,
            },
        )

    def revoke_webhook_endpoint(self, number: int, *, idempotency_key: str | None = None) -> None:
        """Revoke an endpoint, which ends its deliveries; raises NotFoundError."""
        path = f"/webhook_endpoints/{path_segment(number)}"
        self._transport.request_json("DELETE", path, safety=RetrySafety.KEYED, idempotency_key=idempotency_key)

    def test_webhook_endpoint(self, number: int) -> WebhookDelivery:
        """Send a `ping` now and return its delivery."""
        path = f"/webhook_endpoints/{path_segment(number)}/test_deliveries"
        response = self._transport.request_json("POST", path, safety=RetrySafety.UNSAFE, server_wait=10)
        return parse(WebhookDelivery, response.get("data"))

    def iter_webhook_deliveries(self, number: int) -> Iterator[WebhookDelivery]:
        """Yield every delivery of an endpoint, newest first; raises NotFoundError."""
        return self._pages(f"/webhook_endpoints/{path_segment(number)}/deliveries", WebhookDelivery, "id")
