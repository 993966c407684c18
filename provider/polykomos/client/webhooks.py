"""Webhook endpoints (operations 11-15)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from polykomos.client._base import ApiGroup, parse, path_segment
from polykomos.client.models import CreatedWebhookEndpoint, WebhookDelivery, WebhookEndpoint
from polykomos.client.retry import RetrySafety

EARLIER_SECONDS: Final = 60.0


class WebhooksApi(ApiGroup):
    """Calls about webhook endpoints."""

    def iter_webhook_endpoints(self) -> Iterator[WebhookEndpoint]:
        """Every endpoint, revoked ones too."""
        return self._pages("/webhook_endpoints", WebhookEndpoint, "id")

    def cached_webhook_endpoints(self) -> list[WebhookEndpoint]:
        """Every endpoint as of a minute ago at the most: asked for once for many creations."""

        def ask() -> list[WebhookEndpoint]:
            return list(self.iter_webhook_endpoints())

        return list(self._transport.memory.get_or_load("/webhook_endpoints", ask, EARLIER_SECONDS))

    def create_webhook_endpoint(
        self, *, url: str, events: Sequence[str] = (), idempotency_key: str | None = None
    ) -> CreatedWebhookEndpoint:
        """Create an endpoint; no events means all. The secret is shown now and never again."""
        body = {"url": url, "events": list(events)}
        answer = self._transport.request(
            "POST", "/webhook_endpoints", json=body, safety=RetrySafety.KEYED, idempotency_key=idempotency_key
        )
        return parse(
            CreatedWebhookEndpoint,
            {
                "endpoint": answer.body.get("data"),
                "secret": answer.body.get("secret"),
                "replayed": bool(answer.body.get("idempotency_replay")),
                "was_retried": answer.was_retried,
            },
        )

    def revoke_webhook_endpoint(self, number: int, *, idempotency_key: str | None = None) -> None:
        """Revoke; nothing is delivered any more. Raises NotFound."""
        path = f"/webhook_endpoints/{path_segment(number)}"
        self._transport.request_json("DELETE", path, safety=RetrySafety.KEYED, idempotency_key=idempotency_key)

    def test_webhook_endpoint(self, number: int) -> WebhookDelivery:
        """Send a `ping` now and say how it was received."""
        path = f"/webhook_endpoints/{path_segment(number)}/test_deliveries"
        answer = self._transport.request_json("POST", path, safety=RetrySafety.UNSAFE, server_wait=10)
        return parse(WebhookDelivery, answer.get("data"))

    def iter_webhook_deliveries(self, number: int) -> Iterator[WebhookDelivery]:
        """Every delivery of an endpoint, newest first. Raises NotFound."""
        return self._pages(f"/webhook_endpoints/{path_segment(number)}/deliveries", WebhookDelivery, "id")
