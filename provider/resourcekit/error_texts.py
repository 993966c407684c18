"""Failures as texts for people: the vendor's exceptions, and those that nobody expected."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from resourcekit.errors import ResourceError
from resourcekit.package import Package
from resourcekit.plugin.logging import stack_locations

log = logging.getLogger(__name__)


def reason_of(error: Exception) -> str:
    """Return why an operation was not completed, without a text that could hold a secret."""
    if isinstance(error, ResourceError):
        return str(error)
    # A text that nobody foresaw could hold a secret: it goes nowhere, not even to the log.
    log.error("unforeseen %s", type(error).__name__, extra={"trace": stack_locations(error)})
    return f"internal error ({type(error).__name__}); please report it with the log"


def translate_errors(package: Package[Any], run: Callable[[], Any]) -> Any:
    """What `run` returns; the vendor's exceptions leave as ResourceErrors, with a text for people."""
    try:
        return run()
    except ResourceError:
        raise
    except Exception as error:
        explained = package.to_resource_error(error)
        if explained is error:
            raise
        raise explained from error
