"""The representation of a value that the engine does not know yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, final


@final
class Unknown:
    """A value that is known only after the change is applied. There is one instance: `UNKNOWN`."""

    _instance: Unknown | None = None

    def __new__(cls) -> Unknown:
        """Return the one instance."""
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false: test `value is UNKNOWN` first")


UNKNOWN: Final = Unknown()
# Most values are of these types. A check against them takes a tenth of the time of one against abstract classes.
_SCALARS: Final = (str, bytes, int, float, type(None))


def contains_unknown(value: Any) -> bool:
    """Return whether `value` is UNKNOWN or contains UNKNOWN at any depth."""
    if value is UNKNOWN:
        return True
    if isinstance(value, _SCALARS):
        return False
    if isinstance(value, Mapping):
        return any(contains_unknown(item) for item in value.values())
    return isinstance(value, Sequence) and any(contains_unknown(item) for item in value)


def drop_unknowns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of `values` that contain no UNKNOWN at any depth."""
    return {name: value for name, value in values.items() if not contains_unknown(value)}
