"""What is not there any more: believed only of the object's own account (docs/decisions/0022-accounts.md).

The API answers 404 for an object of another account too (api-facts S34).
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
    "Nothing is taken for deleted. Set the API key of the account that the object belongs to. If the object was "
    "deleted all the same, take it out of the state (`pulumi state delete`, `terraform state rm`, `tofu state rm`)"
)


@contextlib.contextmanager
def not_found_as_error(what: str, id: str, ctx: Context[Client], team_id: int | None = None) -> Iterator[None]:
    """Around calls about an object that the engine's state holds. what: "database", for people."""
    try:
        yield
    except NotFoundError:
        confirm_gone(what, id, ctx, team_id)
        raise object_gone_error(what, id) from None


def object_gone_error(what: str, id: str) -> ResourceError:
    """The way out: an engine makes anew what a refresh does not find."""
    return ResourceError(
        f"{what} {id} is gone: refresh, and it will be made again (`pulumi up --refresh`; `terraform apply` and "
        "`tofu apply` refresh by themselves)"
    )


def no_such(what: str, ctx: Context[Client], property: str, advice: str = "") -> ResourceError:
    """Return the error for an argument that names an object which the key does not see: it says whose key that is."""
    try:
        seen = f" for this API key, which belongs to {_owner(ctx)}"
    except PolykomosError:
        seen = ""
    return ResourceError(f"there is no {what}{seen}{advice}", property=property)


def confirm_gone(what: str, id: str, ctx: Context[Client], team_id: int | None = None) -> None:
    """Return where a 404 means that the object was deleted: the key's account is the one that could see it.

    Args:
        what: "database", for people.
        id: The object's id in the engine.
        ctx: With the account that the object's state records.
        team_id: The team that owns the object, where it is a team's.

    Raises:
        ResourceError: The key is of another account, or the base URL is not the API's.
    """
    account = _account(ctx)
    if ctx.account is not None:
        if account in (None, ctx.account) or _sees_team(team_id, ctx):
            return
        raise ResourceError(
            f"{what} {id} cannot be found with this API key, which belongs to {_owner(ctx)}: the state says that the "
            f"object belongs to another account. {_WAY_OUT}"
        )
    sees = _sees_others(what, id, ctx)
    if sees is False and not _sees_team(team_id, ctx):
        raise ResourceError(
            f"{what} {id} cannot be found with this API key, which belongs to {_owner(ctx)}, and neither can any other "
            "object of this state, which was written by a release that did not record the account. The key is most "
            f"likely of another account. {_WAY_OUT}"
        )
    if sees is None:
        ctx.warn(
            f"{what} {id} cannot be found with this API key, which belongs to {_owner(ctx)}. The state does not record "
            "the account that it belongs to: it is taken for deleted. If this is the key of another account, do not "
            "apply this, and set the right one"
        )


def is_right_account(ctx: Context[Client]) -> bool:
    """Whether the key's account is the one that the state records, as far as that is known."""
    return ctx.account is None or _account(ctx) in (None, ctx.account)


def _account(ctx: Context[Client]) -> str | None:
    try:
        return ctx.api.account_id()
    except NotFoundError:
        raise ResourceError(
            "the service answers 404 to GET /me: the base URL is not that of the API, so that no 404 of it says that "
            "anything was deleted. Set `base_url` (POLYKOMOS_BASE_URL) right"
        ) from None


def _owner(ctx: Context[Client]) -> str:
    user = ctx.api.whose().user
    return user.email or user.name or "an account without a name"


def _sees_team(team_id: int | None, ctx: Context[Client]) -> bool:
    """Whether the key sees other databases of the team: then it would see this one too."""
    if team_id is None:
        return False
    try:
        return any(each.team_id == team_id for each in ctx.api.iter_databases())
    except ForbiddenError:
        return False


def _sees_others(what: str, id: str, ctx: Context[Client]) -> bool | None:
    """Whether the key sees another object of the engine's state, of those that would be visible together with this one.

    Databases belong to teams; blueprints and webhook endpoints to users. None: the state has nothing that tells, or the
    engine cannot be asked. What an earlier call of this run has found is taken as an answer.
    """
    is_team = _is_team(what)
    if ctx.ownership.found & ({"Database"} if is_team else {"Blueprint", "WebhookEndpoint"}):
        return True
    alike, unlike = (_others(id, ctx, is_team=each) for each in (is_team, not is_team))
    if alike:
        return not alike.isdisjoint(_visible(ctx, is_team=is_team))
    # Of the others, sight of one proves nothing, as with the key of a colleague; but sight of none does.
    return False if unlike and unlike.isdisjoint(_visible(ctx, is_team=not is_team)) else None


def _others(id: str, ctx: Context[Client], *, is_team: bool) -> set[str]:
    """The ids of the other objects in the engine's state that are visible to a team, or to a user alone."""
    own = id.partition("/")[0]
    return {
        part
        for kind, other in ctx.ownership.in_state() or ()
        if "polykomos" in kind and not kind.startswith("pulumi:") and _is_team(kind) is is_team
        if (part := other.partition("/")[0]) != own  # an application's id begins with that of its database
    }


def _is_team(kind: str) -> bool:
    """Whether objects of a kind, by the name of an engine or for people, are visible to a team."""
    return kind.lower().endswith(("database", "application"))


def _visible(ctx: Context[Client], *, is_team: bool) -> set[str]:
    """The ids of what the key may list and owns."""
    found: set[str] = set()
    if is_team:
        with contextlib.suppress(ForbiddenError):
            found |= {each.uuid for each in ctx.api.iter_databases()}
        return found
    with contextlib.suppress(ForbiddenError):
        found |= {each.uuid for each in ctx.api.iter_blueprints() if not each.is_system_blueprint}
    with contextlib.suppress(ForbiddenError):
        found |= {str(each.id) for each in ctx.api.iter_webhook_endpoints()}
    return found
