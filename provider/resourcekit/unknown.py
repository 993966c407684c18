"""The one stand-in for a value that an engine does not know yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, final


@final
class Unknown:
    """A value that will only be known when the change is made. There is one instance: `UNKNOWN`."""

    _only: Unknown | None = None

    def __new__(cls) -> Unknown:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false: ask `value is UNKNOWN` first")


UNKNOWN: Final = Unknown()
# Most values are of these, and to ask that first is a tenth of what asking for abstract classes takes.
_SIMPLE: Final = (str, bytes, int, float, type(None))


def contains_unknown(value: Any) -> bool:
    """Whether `value` is unknown or holds an unknown at any depth."""
    if value is UNKNOWN:
        return True
    if isinstance(value, _SIMPLE):
        return False
    if isinstance(value, Mapping):
        return any(contains_unknown(item) for item in value.values())
    return isinstance(value, Sequence) and any(contains_unknown(item) for item in value)


def drop_unknowns(values: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of `values` that are known to their depths."""
    return {name: value for name, value in values.items() if not contains_unknown(value)}
