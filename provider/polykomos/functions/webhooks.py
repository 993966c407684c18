"""Questions about webhook endpoints."""

from __future__ import annotations

from pydantic import Field

from polykomos.client import Client, NotFound
from polykomos.functions.account import NoArguments
from polykomos.functions.results import (
    GetWebhookDeliveriesResult,
    GetWebhookEndpointsResult,
    WebhookDelivery,
    WebhookEndpointSummary,
)
from polykomos.resources.values import timestamp
from resourcekit.context import Context
from resourcekit.declaration import Arguments
from resourcekit.errors import ResourceError
from resourcekit.resource import Function


class GetWebhookEndpoints(Function[NoArguments, GetWebhookEndpointsResult, Client]):
    """Every webhook endpoint, revoked ones too; never their secrets."""

    name = "get_webhook_endpoints"
    arguments = NoArguments
    result = GetWebhookEndpointsResult

    def call(self, args: NoArguments, ctx: Context[Client]) -> GetWebhookEndpointsResult:
        return GetWebhookEndpointsResult(
            webhook_endpoints=[
                WebhookEndpointSummary(
                    id=endpoint.id,
                    url=endpoint.url,
                    events=endpoint.events or [],
                    status=endpoint.status,
                    last_success_at=timestamp(endpoint.last_success_at),
                    last_failure_at=timestamp(endpoint.last_failure_at),
                    created_at=timestamp(endpoint.created_at),
                )
                for endpoint in ctx.api.iter_webhook_endpoints()
            ]
        )


class GetWebhookDeliveriesArgs(Arguments):
    """Whose deliveries."""

    endpoint_id: int = Field(ge=1, description="The endpoint's number (a `WebhookEndpoint`'s id).")


class GetWebhookDeliveries(Function[GetWebhookDeliveriesArgs, GetWebhookDeliveriesResult, Client]):
    """What was sent to a webhook endpoint and how it was received, newest first."""

    name = "get_webhook_deliveries"
    arguments = GetWebhookDeliveriesArgs
    result = GetWebhookDeliveriesResult

    def call(self, args: GetWebhookDeliveriesArgs, ctx: Context[Client]) -> GetWebhookDeliveriesResult:
        try:
            deliveries = list(ctx.api.iter_webhook_deliveries(args.endpoint_id))
        except NotFound:
            text = f"webhook endpoint {args.endpoint_id} does not exist, or this API key may not see it"
            raise ResourceError(text, property="endpoint_id") from None
        return GetWebhookDeliveriesResult(
            deliveries=[
                WebhookDelivery(
                    id=each.id,
                    event_type=each.event_type,
                    status=each.status,
                    response_code=each.response_code,
                    error_message=each.error_message,
                    attempt_count=each.attempt_count,
                    created_at=timestamp(each.created_at),
                )
                for each in deliveries
            ]
        )
