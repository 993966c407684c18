"""Errors for objects that the API does not find, after a check of the key's account (docs/decisions/0022-accounts.md).

The API answers 404 for an object of another account too (api-facts S34), so a 404 alone does not mean "deleted".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from polykomos.client import ForbiddenError, NotFoundError, PolykomosError
from resourcekit.context import Context
from resourcekit.errors import ResourceError

if TYPE_CHECKING:
    from polykomos.client import Client

_WAY_OUT = (
    "The state was not changed. Set the API key of the account that the object belongs to. If the object was deleted "
    "and no such key exists, remove it from the state (`pulumi state delete`, `terraform state rm`, `tofu state rm`)"
)


@contextlib.contextmanager
def not_found_as_error(what: str, id: str, ctx: Context[Client], team_id: int | None = None) -> Iterator[None]:
    """Translate the NotFoundError of calls about an object that the engine's state contains.

    A database names the team that owns it.

    Raises:
        ResourceError: The object was deleted, or the key is of another account.
    """
    try:
        yield
    except NotFoundError:
        confirm_gone(what, id, ctx, team_id)
        raise object_gone_error(what, id) from None


def object_gone_error(what: str, id: str) -> ResourceError:
    """Return the error for an object that was deleted outside of the program."""
    return ResourceError(
        f"{what} {id} is gone: it was deleted outside of this program. Refresh the state, and it will be created again "
        "(`pulumi up --refresh`; `terraform apply` and `tofu apply` refresh by themselves)"
    )


def no_such(what: str, ctx: Context[Client], property: str, advice: str = "") -> ResourceError:
    """Return the error for an argument that names an object that the key cannot see; it names the key's account."""
    try:
        seen = f" for this API key, which belongs to {_owner(ctx)}"
    except PolykomosError:
        seen = ""
    return ResourceError(f"there is no {what}{seen}{advice}", property=property)


def confirm_gone(what: str, id: str, ctx: Context[Client], team_id: int | None = None) -> None:
    """Check that a 404 means that the object was deleted, because the key's account would see the object.

    If the state records no account and its other objects do not decide it either, the object counts as deleted, with a
    warning. A database names the team that owns it.

    Raises:
        ResourceError: The key is of another account, or the base URL is not the API's.
    """
    account = _account(ctx)
    if ctx.account is not None:
        if account in (None, ctx.account) or _sees_team(team_id, ctx):
            return
        raise ResourceError(
            f"{what} {id} cannot be found with this API key, which belongs to {_owner(ctx)}: according to the state, "
            f"the object belongs to another account. {_WAY_OUT}"
        )
    sees = _sees_others(what, id, ctx)
    if sees is False and not _sees_team(team_id, ctx):
        raise ResourceError(
            f"{what} {id} cannot be found with this API key, which belongs to {_owner(ctx)}, nor can any other object "
            "in the state. The state was written by a release that did not record the account, so the key most likely "
            f"belongs to another account. {_WAY_OUT}"
        )
    if sees is None:
        ctx.warn(
            f"{what} {id} cannot be found with this API key, which belongs to {_owner(ctx)}. The state does not record "
            f"the account of the {what}, so the provider treats it as deleted. If the key belongs to another account, "
            "do not apply this plan; set the right key first"
        )


def is_right_account(ctx: Context[Client]) -> bool:
    """Return whether the key's account is the one that the state records; True if either is unknown."""
    return ctx.account is None or _account(ctx) in (None, ctx.account)


def _account(ctx: Context[Client]) -> str | None:
    try:
        return ctx.api.account_id()
    except NotFoundError:
        raise ResourceError(
            "the service answers 404 to GET /me: the base URL is not that of the API, so its 404 responses do not mean "
            "that an object was deleted. Correct `base_url` (POLYKOMOS_BASE_URL); the API's URL ends in /api/v1"
        ) from None


def _owner(ctx: Context[Client]) -> str:
    user = ctx.api.whose().user
    return user.email or user.name or "an account without a name"


def _sees_team(team_id: int | None, ctx: Context[Client]) -> bool:
    """Return whether the key sees other databases of the team; it would then see this one too."""
    if team_id is None:
        return False
    try:
        return any(database.team_id == team_id for database in ctx.api.iter_databases())
    except ForbiddenError:
        return False


def _sees_others(what: str, id: str, ctx: Context[Client]) -> bool | None:
    """Return whether the key sees another object in the engine's state that has the same owner as this one.

    Databases belong to teams; blueprints and webhook endpoints belong to users. An object that an earlier call of this
    run found counts without another call.

    Returns:
        True or False, or None if the state contains no object that decides it or cannot be read.
    """
    is_team = _is_team(what)
    if ctx.ownership.found & ({"Database"} if is_team else {"Blueprint", "WebhookEndpoint"}):
        return True
    same_owner, other_owner = (_others(id, ctx, is_team=value) for value in (is_team, not is_team))
    if same_owner:
        return not same_owner.isdisjoint(_visible(ctx, is_team=is_team))
    # With objects of the other owner, seeing one proves nothing (a colleague's key sees it too), but seeing none does.
    return False if other_owner and other_owner.isdisjoint(_visible(ctx, is_team=not is_team)) else None


def _others(id: str, ctx: Context[Client], *, is_team: bool) -> set[str]:
    """Return the ids of the other objects in the engine's state that belong to teams, or to users."""
    own = id.partition("/")[0]
    return {
        part
        for kind, other in ctx.ownership.in_state() or ()
        if "polykomos" in kind and not kind.startswith("pulumi:") and _is_team(kind) is is_team
        if (part := other.partition("/")[0]) != own  # an application's id begins with that of its database
    }


def _is_team(kind: str) -> bool:
    """Return whether objects of a type belong to teams; accepts an engine's type name or a noun such as "database"."""
    return kind.lower().endswith(("database", "application"))


def _visible(ctx: Context[Client], *, is_team: bool) -> set[str]:
    """Return the ids of the objects that the key may list and whose owner is its team or user."""
    ids: set[str] = set()
    if is_team:
        with contextlib.suppress(ForbiddenError):
            ids |= {database.uuid for database in ctx.api.iter_databases()}
        return ids
    with contextlib.suppress(ForbiddenError):
        ids |= {blueprint.uuid for blueprint in ctx.api.iter_blueprints() if not blueprint.is_system_blueprint}
    with contextlib.suppress(ForbiddenError):
        ids |= {str(endpoint.id) for endpoint in ctx.api.iter_webhook_endpoints()}
    return ids
