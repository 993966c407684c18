"""Convert exceptions to the one text that the dynamic provider host can show."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from resourcekit.errors import CheckError, CheckFailure, ResourceError
from resourcekit.plugin.logging import stack_locations
from resourcekit.pulumi.rpc_errors import internal_error_text

log = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")


class DynamicProviderError(Exception):
    """An error with a text for the user.

    The host adds the prefix "Exception calling application: "; with a newer Pulumi SDK (3.272, not yet 3.255), it
    prints a traceback that ends with this text. The traceback has no values, and no exception that this one replaces.
    """


def translate_errors(method: Callable[..., ResultT]) -> Callable[..., ResultT]:
    """Wrap one operation of a provider with a `package`, so that it raises only `DynamicProviderError`.

    The text of an unexpected exception could contain a secret: only its type is shown, and only its type and place are
    logged.
    """

    @functools.wraps(method)
    def run(self: Any, *args: Any) -> ResultT:
        try:
            return method(self, *args)
        except ResourceError as error:
            text = "; ".join(format_failure(failure) for failure in check_failures(error))
        except Exception as error:
            log.error("internal error in %s: %s at %s", method.__name__, type(error).__name__, stack_locations(error))
            text = internal_error_text(error, method.__name__, self.package.log_variable)
        raise DynamicProviderError(text)

    return run


def check_failures(error: ResourceError) -> tuple[CheckFailure, ...]:
    """Return the failures of an error."""
    return error.failures if isinstance(error, CheckError) else (CheckFailure(error.property, str(error)),)


def format_failure(failure: CheckFailure) -> str:
    """Return the text of a failure, with its property."""
    return f"{failure.property}: {failure.reason}" if failure.property else failure.reason
