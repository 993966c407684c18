"""The `WebhookEndpoint` resource. The API has neither a single read nor an update of an endpoint."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from polykomos.client import NotFoundError
from polykomos.resources.conversions import reveal, shared_fields
from polykomos.resources.create_once import create_once
from polykomos.resources.create_request import ensure_compatible
from polykomos.resources.errors import confirm_gone, object_gone_error
from polykomos.resources.webhook_endpoint.create import create_request, existing_endpoints_at
from polykomos.resources.webhook_endpoint.schema import WebhookEndpointArgs, WebhookEndpointState, normalize_events
from resourcekit.context import Context
from resourcekit.declaration import RequiredScopes
from resourcekit.errors import ResourceError
from resourcekit.list_query import EVERYTHING, ListQuery
from resourcekit.resource import Resource

if TYPE_CHECKING:
    from polykomos.client import Client
    from polykomos.client import WebhookEndpoint as ApiEndpoint


class WebhookEndpoint(Resource[WebhookEndpointArgs, WebhookEndpointState, "Client"]):
    """A URL that receives signed HTTP requests when databases are created and deleted.

    The API cannot change an endpoint: a change creates a new one, with a new `secret`, and revokes the old one. Pulumi
    creates the new one first. Terraform and OpenTofu revoke the old one first, unless the resource has
    `lifecycle { create_before_destroy = true }`: without it, no endpoint is left if the create fails. The API returns
    the secret once, at creation; it is stored in the engine's state only.
    """

    name = "WebhookEndpoint"
    import_id = "its number"
    scopes = RequiredScopes(("webhooks:read",), ("webhooks:write",))
    list_filters = ("url",)
    url_collection = "webhook_endpoints"

    def normalize_id(self, id: str) -> str:
        """Return the number without leading zeros."""
        return str(_number(id))

    def create(self, args: WebhookEndpointArgs, ctx: Context[Client]) -> tuple[str, WebhookEndpointState]:
        """Create the endpoint, or adopt the one that an interrupted run created."""
        before = existing_endpoints_at(args.url, ctx.api)
        result = create_once(
            create_request(args.url, args.events or [], ctx.api),
            ctx,
            lambda adopted: _ensure_same(adopted.endpoint, args),
        )
        endpoint = result.object.endpoint
        if not result.adopted:
            _warn_of_orphans(before, ctx)
        return str(endpoint.id), _state(endpoint, reveal(result.object.secret))

    def read(self, id: str, prior: WebhookEndpointState | None, ctx: Context[Client]) -> WebhookEndpointState | None:
        """Read the endpoint from the list; the secret is taken from the prior state."""
        number = _number(id)
        try:
            endpoint = ctx.api.read_webhook_endpoint(number)
        except NotFoundError:
            if prior is not None:
                confirm_gone("webhook endpoint", id, ctx)
            return None
        if endpoint.status == "revoked":
            return None
        return _state(endpoint, prior.secret if prior is not None else None)

    def update(
        self,
        id: str,
        args: WebhookEndpointArgs,
        prior: WebhookEndpointState,
        changed: frozenset[str],
        ctx: Context[Client],
    ) -> WebhookEndpointState:
        """Read the endpoint: no argument can change in place."""
        state = self.read(id, prior, ctx)
        if state is None:
            raise object_gone_error("webhook endpoint", id)
        return state

    def list(
        self, ctx: Context[Client], query: ListQuery = EVERYTHING
    ) -> Iterable[tuple[str, str, WebhookEndpointState]]:
        """Yield id, URL and state of each active endpoint."""
        return (
            (str(endpoint.id), endpoint.url, _state(endpoint, None))
            for endpoint in ctx.api.iter_webhook_endpoints(query.after or None)
            if endpoint.status != "revoked"
        )

    def delete(self, id: str, prior: WebhookEndpointState, ctx: Context[Client]) -> None:
        """Revoke the endpoint; one that was already revoked is no error."""
        try:
            ctx.api.revoke_webhook_endpoint(_number(id))
        except NotFoundError:
            confirm_gone("webhook endpoint", id, ctx)


def _ensure_same(adopted: ApiEndpoint, args: WebhookEndpointArgs) -> None:
    planned = {"url": args.url, "events": normalize_events(args.events or [])}
    existing = {"url": adopted.url, "events": normalize_events(adopted.events)}
    ensure_compatible("webhook endpoint", str(adopted.id), planned, existing)


def _warn_of_orphans(before: Iterable[ApiEndpoint], ctx: Context[Client]) -> None:
    """Warn about endpoints left by runs that were interrupted more than 24 hours ago: their secret is lost."""
    for other in before:
        if ctx.idempotency_keys.is_taken(str(other.id)) is False:
            ctx.warn(
                f"webhook endpoint {other.id} has the same `url` and is not in the engine's state, so each event is "
                "delivered twice. If an interrupted run created it, its secret cannot be recovered: revoke it at the "
                "service"
            )


def _number(id_: str) -> int:
    if not (id_.isascii() and id_.isdigit()):
        raise ResourceError(
            f"{id_!r} is not the id of a webhook endpoint, which is a number: see the list of endpoints"
        )
    return int(id_)


def _state(endpoint: ApiEndpoint, secret: str | None) -> WebhookEndpointState:
    return WebhookEndpointState.model_construct(**shared_fields(WebhookEndpointState, endpoint), secret=secret)
