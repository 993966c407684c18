"""Turn exceptions into texts for users: the vendor's exceptions and unexpected ones."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from resourcekit.errors import ResourceError
from resourcekit.package import Package
from resourcekit.plugin.logging import stack_locations

log = logging.getLogger(__name__)


def reason_of(error: Exception) -> str:
    """Return why an operation did not complete, without any text that could contain a secret."""
    if isinstance(error, ResourceError):
        return str(error)
    return unexpected_error_text(error, "an operation")


def unexpected_error_text(error: Exception, operation: str) -> str:
    """Log an unexpected exception and return a text for users, both without its own text: it may contain a secret."""
    log.error("unexpected %s in %s", type(error).__name__, operation, extra={"trace": stack_locations(error)})
    return f"internal error ({type(error).__name__}); please report it with the log"


def translate_errors(package: Package[Any], run: Callable[[], Any]) -> Any:
    """Return the result of `run`, with the vendor's exceptions turned into `ResourceError`."""
    try:
        return run()
    except ResourceError:
        raise
    except Exception as error:
        explained = package.to_resource_error(error)
        if explained is error:
            raise
        raise explained from error
