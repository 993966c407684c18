"""Which objects a list returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ListQuery:
    """The part of a list that an engine asks for.

    Attributes:
        after: The id of the object after which the list begins; empty: it begins with the first one.
        complete: Whether the states must be complete. If not, they need only what the API's list contains.
    """

    after: str = ""
    complete: bool = True


EVERYTHING = ListQuery()
