"""Private state: which arguments the program gave, so that one taken out of it can be told from one never set; and what
an import leaves out, until the read that fills it in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Memory:
    """What is kept beside a resource's state. given: by the program of the last apply, write-only ones by their own
    names; empty: none was applied. withheld: arguments whose values an import leaves out of the state. account: the one
    that the object belongs to (`Package.account`); empty where a release wrote the state that recorded none.
    """

    given: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()
    account: str = ""

    def write(self) -> bytes:
        """As the engine keeps it."""
        withheld = {"withheld": sorted(self.withheld)} if self.withheld else {}
        return json.dumps({"given": sorted(self.given), **withheld, **self._account}).encode()

    def write_planned(self, given: frozenset[str], protection: str = "") -> bytes:
        """Return a plan's private state: what this remembers, and what the program gives now.

        Args:
            given: The arguments that the program sets.
            protection: Why the object must stay, for the plan of its replacement; empty where it need not.

        """
        protected = {"protection": protection} if protection else {}
        return json.dumps(
            {"given": sorted(self.given), "planned": sorted(given), **protected, **self._account}
        ).encode()

    @property
    def _account(self) -> dict[str, str]:
        return {"account": self.account} if self.account else {}

    @classmethod
    def read(cls, private: bytes) -> Memory:
        """Anything that is not ours (an import, another release) remembers nothing."""
        return cls(_names(private, "given"), _names(private, "withheld"), account_in(private))

    @classmethod
    def planned(cls, private: bytes) -> Memory:
        """What to keep once a plan has been applied."""
        return cls(_names(private, "planned"), account=account_in(private))


def account_in(private: bytes) -> str:
    """Return the account that a private state records; empty where it records none."""
    return _text(private, "account")


def protection_in(private: bytes) -> str:
    """Return why the object of the plan before this one must stay; empty where it need not."""
    return _text(private, "protection")


def with_account(private: bytes, account: str | None) -> bytes:
    """Return a private state with an account recorded; as it is where there is none to record, or one already."""
    if not account or account_in(private) == account:
        return private
    try:
        kept = json.loads(private or b"{}")
    except (ValueError, RecursionError):
        return private  # not ours
    return json.dumps({**kept, "account": account}).encode() if isinstance(kept, dict) else private


def _text(private: bytes, key: str) -> str:
    try:
        found = json.loads(private or b"{}").get(key)
    except (ValueError, AttributeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def _names(private: bytes, key: str) -> frozenset[str]:
    try:
        return frozenset(str(name) for name in json.loads(private or b"{}").get(key, ()))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return frozenset()
