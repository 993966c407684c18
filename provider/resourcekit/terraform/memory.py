"""Private state: which arguments the program gave, so that one taken out of it can be told from one never set; and what
an import leaves out, until the read that fills it in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Memory:
    """What is kept beside a resource's state. given: by the program of the last apply, write-only ones by their own
    names; empty: none was applied. withheld: arguments whose values an import leaves out of the state.
    """

    given: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()

    def write(self) -> bytes:
        """As the engine keeps it."""
        withheld = {"withheld": sorted(self.withheld)} if self.withheld else {}
        return json.dumps({"given": sorted(self.given), **withheld}).encode()

    def write_planned(self, given: frozenset[str]) -> bytes:
        """For the way from plan to apply: what this remembers, and what the program gives now."""
        return json.dumps({"given": sorted(self.given), "planned": sorted(given)}).encode()

    @classmethod
    def read(cls, private: bytes) -> Memory:
        """Anything that is not ours (an import, another release) remembers nothing."""
        return cls(_names(private, "given"), _names(private, "withheld"))

    @classmethod
    def planned(cls, private: bytes) -> Memory:
        """What to keep once a plan has been applied."""
        return cls(_names(private, "planned"))


def _names(private: bytes, key: str) -> frozenset[str]:
    try:
        return frozenset(str(name) for name in json.loads(private or b"{}").get(key, ()))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return frozenset()
