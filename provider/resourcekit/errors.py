"""What a resource says when it cannot do what was asked. Its text is shown to the user as it stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckFailure:
    """One broken rule.

    property: the path in the declaration's own names (`variables.tenant`), empty when it is about the whole.
    reason: one sentence that names the rule and, where there is one, the way out.
    """

    property: str
    reason: str


class ResourceError(Exception):
    """A failure with a text for people; `property` names the argument at fault, where there is one."""

    def __init__(self, message: str, *, property: str = "") -> None:
        super().__init__(message)
        self.property = property


class CheckError(ResourceError):
    """Several failures at once, each with its property."""

    def __init__(self, failures: tuple[CheckFailure, ...]) -> None:
        super().__init__("; ".join(failure.reason for failure in failures))
        self.failures = failures


class CancelledError(ResourceError):
    """The engine asked to stop (Ctrl-C); what was reached so far has been handed back."""
