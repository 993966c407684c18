"""Checks of the service and the key, by requests to the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from polykomos_provider.api import WITHOUT_KEY, connect_from_env
from polykomos_provider.doctor.checks import ERROR, OK, WARNING, Finding, ScopeRequirement, budget, scopes

if TYPE_CHECKING:
    from polykomos.client import Account

_SECONDS = 10.0


def check_api() -> Iterator[Finding]:
    """Yield whether the base URL is reachable, whether the key is valid, and what it may do."""
    from polykomos.client import ApiError, PolykomosError
    from polykomos.settings import DEFAULT_BASE_URL
    from resourcekit.provider_config import validate_config

    yield from _proxy()
    try:
        package, ctx = connect_from_env(_SECONDS)
    except click.ClickException as error:
        where = "key" if error.message == WITHOUT_KEY else "settings"
        yield Finding(where, ERROR, error.message, "")
        return
    try:
        account = ctx.api.get_account()
    except ApiError as error:
        yield _api_error(error, package.to_resource_error(error))
        return
    except PolykomosError as error:
        yield Finding("base URL", ERROR, str(package.to_resource_error(error)), "")
        return
    base_url = validate_config(package, {}).values.get("base_url") or DEFAULT_BASE_URL
    yield Finding("base URL", OK, f"{base_url} answers")
    yield _key(account)
    needs = (ScopeRequirement(each.name, each.scopes.read, each.scopes.write) for each in package.resources)
    yield from scopes(needs, account.api_key.permissions)
    yield budget(account.api_key.controls.requests_per_minute, account.api_key.controls.monthly_quota)


def _proxy() -> Iterator[Finding]:
    """Yield the proxy of the base URL, and its faults. An invalid URL is another finding."""
    from polykomos.package import package
    from polykomos.settings import DEFAULT_BASE_URL
    from resourcekit.http.proxy import environment_route, proxy_fault
    from resourcekit.provider_config import validate_config

    checked = validate_config(package(), {})
    if any(failure.property == "base_url" for failure in checked.failures):
        return
    base_url = checked.values.get("base_url") or DEFAULT_BASE_URL
    route = environment_route(base_url)
    fault = proxy_fault(route.proxy) if route.proxy else ""
    if fault:
        yield Finding("proxy", ERROR, f"{route.source} cannot be used: {fault}", f"correct {route.source} or unset it")
    elif route.proxy:
        yield Finding("proxy", OK, f"{base_url} is reached through {route.shown} ({route.source})")
    else:
        yield Finding("proxy", OK, f"{base_url} is reached directly: {route.reason}")
    for entry in route.passed_over:
        advice = "an entry is a host, .domain, address or network such as 10.0.0.0/8 or [::1], with or without a port"
        yield Finding("proxy", WARNING, f"the entry {entry!r} of {route.exceptions} cannot be read", advice)


def _api_error(error: Any, translated: Exception) -> Finding:
    """Return the finding for an error response: about the key for 401 and 403, else about the base URL."""
    if error.status in (401, 403):
        return Finding("key", ERROR, str(translated), "")
    return Finding("base URL", ERROR, f"{translated}. Is POLYKOMOS_BASE_URL the API's, with /api/v1?", "")


def _key(account: Account) -> Finding:
    key = account.api_key
    text = f"{key.preview} ({key.name or 'without a name'}) of {account.user.email or 'a user without address'}"
    if key.status not in (None, "active"):
        return Finding("key", WARNING, f"{text} is {key.status}", "make a new one in the dashboard")
    return Finding("key", OK, text)
