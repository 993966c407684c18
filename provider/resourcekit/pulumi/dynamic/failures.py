"""Failures as the dynamic provider host can show them: one text."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from resourcekit.errors import CheckFailed, Failure, ResourceError
from resourcekit.logs import trace_of
from resourcekit.pulumi.replies import unforeseen

log = logging.getLogger(__name__)
AnswerT = TypeVar("AnswerT")


class Told(Exception):
    """What the user reads. The host puts "Exception calling application: " before it."""


def told(method: Callable[..., AnswerT]) -> Callable[..., AnswerT]:
    """Wrap one operation of a provider that has a `package`: whatever it raises is `Told`.

    The text of an unexpected exception could contain a secret: only its type is shown, and only its type and place are
    logged.
    """

    @functools.wraps(method)
    def run(self: Any, *args: Any) -> AnswerT:
        try:
            return method(self, *args)
        except ResourceError as error:
            text = "; ".join(text_of(failure) for failure in failures_of(error))
        except Exception as error:
            log.error("internal error in %s: %s at %s", method.__name__, type(error).__name__, trace_of(error))
            text = unforeseen(error, method.__name__, self.package.log_variable)
        raise Told(text)

    return run


def failures_of(error: ResourceError) -> tuple[Failure, ...]:
    """The failures that an error stands for."""
    return error.failures if isinstance(error, CheckFailed) else (Failure(error.property, str(error)),)


def text_of(failure: Failure) -> str:
    """The failure with its property."""
    return f"{failure.property}: {failure.reason}" if failure.property else failure.reason
