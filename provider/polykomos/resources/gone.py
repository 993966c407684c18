"""Changing what is not there any more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from polykomos.client import NotFound
from resourcekit.errors import ResourceError


@contextlib.contextmanager
def told_if_gone(what: str, id: str) -> Iterator[None]:
    """Around calls about an object that the engine's state holds. what: "database", for people."""
    try:
        yield
    except NotFound:
        raise is_gone(what, id) from None


def is_gone(what: str, id: str) -> ResourceError:
    """The way out: an engine makes anew what a refresh does not find."""
    return ResourceError(
        f"{what} {id} is gone: refresh, and it will be made again (`pulumi up --refresh`; `terraform apply` and "
        "`tofu apply` refresh by themselves)"
    )
