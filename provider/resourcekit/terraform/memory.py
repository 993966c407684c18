"""Private state: which arguments the program gave, so that one taken out of it can be told from one never set."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Memory:
    """What is kept beside a resource's state."""

    given: frozenset[str] = frozenset()

    def write(self) -> bytes:
        """As the engine keeps it."""
        return json.dumps({"given": sorted(self.given)}).encode()

    @classmethod
    def read(cls, private: bytes) -> Memory:
        """Anything that is not ours (an import, another release) remembers nothing."""
        try:
            kept = json.loads(private) if private else {}
            return cls(frozenset(str(name) for name in kept.get("given", ())))
        except (ValueError, AttributeError, TypeError):
            return cls()
