"""Operations 11 to 15 (webhook endpoints and deliveries) and their worker."""

from __future__ import annotations

from urllib.parse import urlsplit

from controlplane.http.context import Operation, RequestContext
from controlplane.http.errors import ApiError, invalid_field
from controlplane.http.responses import ApiResponse, envelope, page_reply
from controlplane.services import Worker
from controlplane.webhooks import delivery_worker, store
from controlplane.webhooks.outbox import event_body
from controlplane.webhooks.requests import CreateWebhookEndpoint, is_loopback_host
from controlplane.webhooks.serializers import delivery_view, endpoint_view


async def list_endpoints(call: RequestContext) -> ApiResponse:
    """Return the user's endpoints, also revoked ones (api-facts S29), newest first."""
    page = call.page()
    return page_reply(await store.list_endpoints(call.conn, call.principal.user_id, page), page, endpoint_view)


async def create_endpoint(call: RequestContext) -> ApiResponse:
    """Create an endpoint. Only this response contains the secret, beside the data."""
    args = call.parse(CreateWebhookEndpoint)
    if not call.services.settings.loopback_webhooks and is_loopback_host(urlsplit(args.url).hostname or ""):
        raise invalid_field("url", "must not name this machine (the control plane runs with --no-loopback-webhooks)")
    row = await store.insert(call, args.url, args.events)
    return envelope(endpoint_view(row), status=201, message="Webhook endpoint created.", secret=row["secret"])


async def revoke_endpoint(call: RequestContext) -> ApiResponse:
    """Revoke an endpoint (api-facts S29).

    Its queued deliveries fail. Revoking an endpoint again changes nothing.
    """
    row = await store.find_or_404(call, lock=True)
    await call.conn.execute("UPDATE webhook_endpoints SET status = 'revoked' WHERE id = %s", (row["id"],))
    call.after_commit(call.services.notifiers.deliveries.notify)
    return envelope({"id": row["id"]}, message="Webhook endpoint revoked.")


async def test_endpoint(call: RequestContext) -> ApiResponse:
    """Send a ping during the call, also to an endpoint that does not subscribe to `ping`.

    The response is 200 also if the delivery fails: its data say so.
    """
    endpoint = await store.find_or_404(call)
    if endpoint["status"] != "active":
        raise ApiError(422, "webhook_endpoint_revoked", "The webhook endpoint was revoked.")
    body = event_body("ping", {"object": "webhook_endpoint", "id": endpoint["id"]}, call.now)
    delivery = await delivery_worker.insert_claimed(call.services, call.conn, endpoint, "ping", body)

    async def send() -> ApiResponse:
        row = await delivery_worker.deliver(call.services, delivery)
        call.services.notifiers.deliveries.notify()  # the endpoint is free for its queued deliveries
        return envelope(delivery_view(row))

    return ApiResponse(200, envelope(delivery_view(delivery)).body, send)


async def list_deliveries(call: RequestContext) -> ApiResponse:
    """Return an endpoint's deliveries, newest first, also after its revocation (api-facts S29)."""
    endpoint = await store.find_or_404(call)
    page = call.page()
    return page_reply(await store.list_deliveries(call.conn, endpoint["id"], page), page, delivery_view)


_READ, _WRITE = ("webhooks:read",), ("webhooks:write",)

OPERATIONS = (
    Operation("GET", "/webhook_endpoints", "listWebhookEndpoints", _READ, list_endpoints),
    Operation(
        "POST", "/webhook_endpoints", "createWebhookEndpoint", _WRITE, create_endpoint, keyed=True, has_body=True
    ),
    Operation("DELETE", "/webhook_endpoints/{id}", "revokeWebhookEndpoint", _WRITE, revoke_endpoint, keyed=True),
    Operation("POST", "/webhook_endpoints/{id}/test_deliveries", "createWebhookTestDelivery", _WRITE, test_endpoint),
    Operation("GET", "/webhook_endpoints/{id}/deliveries", "listWebhookDeliveries", _READ, list_deliveries),
)

WORKERS: tuple[Worker, ...] = (delivery_worker.delivery_worker,)
