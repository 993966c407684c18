"""A webhook endpoint's life at the API, which offers neither a single read nor an update."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from polykomos.client import NotFoundError
from polykomos.resources.conversions import format_timestamp, reveal
from polykomos.resources.create_once import create_once, ensure_compatible
from polykomos.resources.errors import confirm_gone, object_gone_error
from polykomos.resources.webhook_endpoint.create import create_request, existing_endpoints_at
from polykomos.resources.webhook_endpoint.schema import WebhookEndpointArgs, WebhookEndpointState, normalize_events
from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.resource import RequiredScopes, Resource

if TYPE_CHECKING:
    from polykomos.client import Client
    from polykomos.client import WebhookEndpoint as ApiEndpoint


class WebhookEndpoint(Resource[WebhookEndpointArgs, WebhookEndpointState, "Client"]):
    """An address that hears of databases being created and deleted, by signed HTTP requests.

    The API cannot change an endpoint: a change makes a new one, with a new `secret`, and revokes the old one. Pulumi
    makes the new one first. Terraform and OpenTofu revoke the old one first, unless the resource has
    `lifecycle { create_before_destroy = true }`: without it, no endpoint is left if the create fails. The secret is
    shown once, at creation, and is kept in the engine's state alone.
    """

    name = "WebhookEndpoint"
    arguments = WebhookEndpointArgs
    state = WebhookEndpointState
    import_id = "its number"
    scopes = RequiredScopes(("webhooks:read",), ("webhooks:write",))
    url_collection = "webhook_endpoints"

    def normalize_id(self, id: str) -> str:
        return str(_number(id))

    def create(self, args: WebhookEndpointArgs, ctx: Context[Client]) -> tuple[str, WebhookEndpointState]:
        before = existing_endpoints_at(args.url, ctx.api)
        created = create_once(
            create_request(args.url, args.events or [], ctx.api),
            ctx,
            lambda earlier: _refuse_other(earlier.endpoint, args),
        )
        made = created.object.endpoint
        if not created.adopted:
            _warn_of_orphans(before, ctx)
        return str(made.id), _state(made, reveal(created.object.secret))

    def read(self, id: str, prior: WebhookEndpointState | None, ctx: Context[Client]) -> WebhookEndpointState | None:
        number = _number(id)
        try:
            found = ctx.api.read_webhook_endpoint(number)
        except NotFoundError:
            if prior is not None:
                confirm_gone("webhook endpoint", id, ctx)
            return None
        if found.status == "revoked":
            return None
        return _state(found, prior.secret if prior is not None else None)

    def update(
        self,
        id: str,
        args: WebhookEndpointArgs,
        prior: WebhookEndpointState,
        changed: frozenset[str],
        ctx: Context[Client],
    ) -> WebhookEndpointState:
        """Nothing can change in place; the engine asks only where it believes something is unfinished."""
        found = self.read(id, prior, ctx)
        if found is None:
            raise object_gone_error("webhook endpoint", id)
        return found

    def list(self, ctx: Context[Client]) -> Iterable[tuple[str, str, WebhookEndpointState]]:
        return (
            (str(found.id), found.url, _state(found, None))
            for found in ctx.api.iter_webhook_endpoints()
            if found.status != "revoked"
        )

    def delete(self, id: str, prior: WebhookEndpointState, ctx: Context[Client]) -> None:
        try:
            ctx.api.revoke_webhook_endpoint(_number(id))
        except NotFoundError:
            confirm_gone("webhook endpoint", id, ctx)


def _refuse_other(earlier: ApiEndpoint, args: WebhookEndpointArgs) -> None:
    wanted = {"url": args.url, "events": normalize_events(args.events or [])}
    there = {"url": earlier.url, "events": normalize_events(earlier.events)}
    ensure_compatible("webhook endpoint", str(earlier.id), wanted, there)


def _warn_of_orphans(before: Iterable[ApiEndpoint], ctx: Context[Client]) -> None:
    """Of one that an interrupted run left more than a day ago nobody has the secret, and nothing can tell it."""
    for other in before:
        if ctx.idempotency_keys.is_taken(str(other.id)) is False:
            ctx.warn(
                f"webhook endpoint {other.id} hears at the same `url` and is not in the engine's state. If an "
                "interrupted run left it, its secret is lost: revoke it at the service, or each event is delivered "
                "twice"
            )


def _number(id_: str) -> int:
    if not (id_.isascii() and id_.isdigit()):
        raise ResourceError(f"{id_!r} is no webhook endpoint's id: it is a number, as the list of endpoints shows")
    return int(id_)


def _state(endpoint: ApiEndpoint, secret: str | None) -> WebhookEndpointState:
    return WebhookEndpointState.model_construct(
        url=endpoint.url,
        events=endpoint.events or [],
        status=endpoint.status,
        secret=secret,
        created_at=format_timestamp(endpoint.created_at),
    )
