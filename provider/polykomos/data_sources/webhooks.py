"""Data sources about webhook endpoints."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from polykomos.client import Client, NotFoundError
from polykomos.data_sources.account import NoArguments
from polykomos.data_sources.models import (
    GetWebhookDeliveriesResult,
    GetWebhookEndpointsResult,
    WebhookDelivery,
    WebhookEndpointSummary,
)
from polykomos.resources.conversions import shared_fields
from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, NumericId, Result
from resourcekit.resource import DataSource


class GetWebhookEndpoints(DataSource[NoArguments, GetWebhookEndpointsResult, Client]):
    """Every webhook endpoint, including revoked ones, without secrets."""

    name = "get_webhook_endpoints"

    def call(self, args: NoArguments, ctx: Context[Client]) -> GetWebhookEndpointsResult:
        """Read the list of endpoints."""
        return GetWebhookEndpointsResult(
            webhook_endpoints=[
                WebhookEndpointSummary(**shared_fields(WebhookEndpointSummary, each))
                for each in ctx.api.iter_webhook_endpoints()
            ]
        )


class GetWebhookDeliveriesArgs(Arguments):
    """The endpoint."""

    endpoint_id: Annotated[int, NumericId()] = Field(
        ge=1, description="The endpoint's number (a `WebhookEndpoint`'s id)."
    )


class GetWebhookDeliveries(DataSource[GetWebhookDeliveriesArgs, GetWebhookDeliveriesResult, Client]):
    """The deliveries to a webhook endpoint and their results, newest first."""

    name = "get_webhook_deliveries"

    def call(self, args: GetWebhookDeliveriesArgs, ctx: Context[Client]) -> GetWebhookDeliveriesResult:
        """Read the list of deliveries."""
        try:
            deliveries = list(ctx.api.iter_webhook_deliveries(args.endpoint_id))
        except NotFoundError:
            raise _no_such_endpoint(args.endpoint_id) from None
        return GetWebhookDeliveriesResult(
            deliveries=[WebhookDelivery(**shared_fields(WebhookDelivery, each)) for each in deliveries]
        )


class WebhookTestArgs(Arguments):
    """The endpoint."""

    endpoint_id: Annotated[int, NumericId()] = Field(
        ge=1, description="The endpoint's number (a `WebhookEndpoint`'s id)."
    )


class WebhookTestResult(Result):
    """The result of the test."""

    delivery: WebhookDelivery = Field(description="The delivery of the ping.")


class WebhookTest(DataSource[WebhookTestArgs, WebhookTestResult, Client]):
    """Send a signed `ping` to a webhook endpoint now. Fails if the endpoint does not accept it."""

    name = "webhook_test"

    def call(self, args: WebhookTestArgs, ctx: Context[Client]) -> WebhookTestResult:
        """Send the ping."""
        ctx.progress(f"sending a ping to webhook endpoint {args.endpoint_id}")
        try:
            sent = ctx.api.test_webhook_endpoint(args.endpoint_id)
        except NotFoundError:
            raise _no_such_endpoint(args.endpoint_id) from None
        if sent.status != "delivered":
            result = f"HTTP {sent.response_code}" if sent.response_code else sent.error_message or "no response"
            raise ResourceError(
                f"the ping to webhook endpoint {args.endpoint_id} was not accepted: {result}. Check that its `url` "
                "is reachable and responds with a 2xx status"
            )
        ctx.progress(f"the ping was accepted with HTTP {sent.response_code}")
        return WebhookTestResult(delivery=WebhookDelivery(**shared_fields(WebhookDelivery, sent)))


def _no_such_endpoint(number: int) -> ResourceError:
    text = f"webhook endpoint {number} does not exist, or this API key may not see it"
    return ResourceError(text, property="endpoint_id")
