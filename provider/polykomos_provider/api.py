"""The API for commands: the package and its client, with the settings of the environment."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import click

from polykomos_provider.output import echo_note

if TYPE_CHECKING:
    from polykomos.client import Client
    from polykomos.package import Polykomos
    from resourcekit.context import Context

WITHOUT_KEY = (
    "POLYKOMOS_API_KEY is not set: export the key of your dashboard, or the settings of a control plane here: "
    'eval "$(polykomos dev --env)"'
)


def connect_from_env(seconds: float) -> tuple[Polykomos, Context[Client]]:
    """Return the package, and a context for requests.

    Requests end after `seconds`.

    Raises:
        click.ClickException: A setting is missing or invalid.
    """
    from polykomos.package import package
    from resourcekit.context import Context
    from resourcekit.errors import CheckError, ResourceError
    from resourcekit.provider_config import apply_environment, configure_client

    polykomos = package()
    if "api_key" not in apply_environment(polykomos, {}):
        raise click.ClickException(WITHOUT_KEY)
    try:
        api: Any = configure_client(polykomos, {}, "cli", lambda text: echo_note(f"warning: {text}"))
    except CheckError as error:
        raise click.ClickException("; ".join(f"{each.property} {each.reason}" for each in error.failures)) from None
    except ResourceError as error:
        raise click.ClickException(str(error)) from None
    deadline = time.monotonic() + seconds
    cancel = threading.Event()
    with_deadline = polykomos.with_deadline(api, deadline, cancel, echo_note)
    return polykomos, Context(api=with_deadline, deadline=deadline, cancel=cancel)
