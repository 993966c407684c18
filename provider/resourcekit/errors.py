"""The exceptions that a resource may raise. The engines show their texts to the user unchanged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckFailure:
    """One broken rule."""

    property: str  # the path of the value by declared names, such as `variables.tenant`; empty: the whole object
    reason: str  # one sentence with the rule and, if there is one, the remedy


class ResourceError(Exception):
    """A failure with a text for users.

    Attributes:
        property: The argument at fault; empty: none.
    """

    def __init__(self, message: str, *, property: str = "") -> None:
        super().__init__(message)
        self.property = property


class CheckError(ResourceError):
    """Several failures, each with its property."""

    def __init__(self, failures: tuple[CheckFailure, ...]) -> None:
        super().__init__("; ".join(failure.reason for failure in failures))
        self.failures = failures


class CancelledError(ResourceError):
    """The user stopped the run (Ctrl-C). The engine stores the object as of the last checkpoint."""
