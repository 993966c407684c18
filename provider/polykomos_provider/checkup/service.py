"""The service and the key, asked for what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from polykomos_provider.checkup.findings import ERROR, OK, WARNING, Finding, Needs, budget, scopes
from polykomos_provider.commands.connecting import WITHOUT_KEY, connected

if TYPE_CHECKING:
    from polykomos.client import Account

_SECONDS = 10.0


def service() -> Iterator[Finding]:
    """Whether the base URL is reached, the key is valid, and what it may do."""
    from polykomos.client import ApiError, PolykomosError
    from polykomos.settings import DEFAULT_BASE_URL
    from resourcekit.settings import with_environment

    try:
        package, ctx = connected(_SECONDS)
    except click.ClickException as error:
        where = "key" if error.message == WITHOUT_KEY else "settings"
        yield Finding(where, ERROR, error.message, "")
        return
    try:
        account = ctx.api.get_account()
    except ApiError as error:
        yield _refused(error, package.explain(error))
        return
    except PolykomosError as error:
        yield Finding("base URL", ERROR, str(package.explain(error)), "")
        return
    yield Finding("base URL", OK, f"{with_environment(package, {}).get('base_url', DEFAULT_BASE_URL)} answers")
    yield _key(account)
    needs = (Needs(each.name, each.scopes.read, each.scopes.write) for each in package.resources)
    yield from scopes(needs, account.api_key.permissions)
    yield budget(account.api_key.controls.requests_per_minute, account.api_key.controls.monthly_quota)


def _refused(error: Any, explained: Exception) -> Finding:
    """401 and 403 are about the key; any other answer is from something that is not the API."""
    if error.status in (401, 403):
        return Finding("key", ERROR, str(explained), "")
    return Finding("base URL", ERROR, f"{explained}. Is POLYKOMOS_BASE_URL the API's, with /api/v1?", "")


def _key(account: Account) -> Finding:
    key = account.api_key
    text = f"{key.preview} ({key.name or 'without a name'}) of {account.user.email or 'a user without address'}"
    if key.status not in (None, "active"):
        return Finding("key", WARNING, f"{text} is {key.status}", "make a new one in the dashboard")
    return Finding("key", OK, text)
