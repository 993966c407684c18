"""Private state: which arguments the program gave, so that one taken out of it can be told from one never set; and what
an import leaves out, until the read that fills it in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class PrivateState:
    """What is stored beside a resource's state, decoded once.

    Attributes:
        given: The arguments that the program of the last apply set, write-only ones by their own names; empty: none
            was applied.
        withheld: The arguments whose values an import leaves out of the state.
        account: The account that the object belongs to (`Package.account`); empty where a release wrote the state that
            recorded none.
        planned_given: `given` once the plan has been applied.
        protection: Why the object of the plan before this one must stay; empty where it need not.
    """

    configured: frozenset[str] = frozenset()
    omitted_on_import: frozenset[str] = frozenset()
    account: str = ""
    planned_given: frozenset[str] = field(default=frozenset(), compare=False)
    protection: str = field(default="", compare=False)

    def to_bytes(self) -> bytes:
        """As the engine keeps it."""
        withheld = {"withheld": sorted(self.omitted_on_import)} if self.omitted_on_import else {}
        return json.dumps({"given": sorted(self.configured), **withheld, **self._account}).encode()

    def to_planned_bytes(self, given: frozenset[str], protection: str = "") -> bytes:
        """Return a plan's private state: what this remembers, and what the program gives now.

        Args:
            given: The arguments that the program sets.
            protection: Why the object must stay, for the plan of its replacement; empty where it need not.

        """
        protected = {"protection": protection} if protection else {}
        return json.dumps(
            {"given": sorted(self.configured), "planned": sorted(given), **protected, **self._account}
        ).encode()

    @property
    def _account(self) -> dict[str, str]:
        return {"account": self.account} if self.account else {}

    @classmethod
    def from_bytes(cls, private: bytes) -> PrivateState:
        """Decode a private state. Anything that is not ours (an import, another release) remembers nothing."""
        found = _decoded(private) or {}
        return cls(
            _names(found, "given"),
            _names(found, "withheld"),
            _text(found, "account"),
            _names(found, "planned"),
            _text(found, "protection"),
        )

    def applied(self) -> PrivateState:
        """Return what to store once the plan has been applied."""
        return PrivateState(self.planned_given, account=self.account)


def account_in(private: bytes) -> str:
    """Return the account that a private state records; empty where it records none."""
    return _text(_decoded(private) or {}, "account")


def with_account(private: bytes, account: str | None) -> bytes:
    """Return a private state with an account recorded; as it is where there is none to record, or one already."""
    found = _decoded(private) if account else None
    if found is None or found.get("account") == account:
        return private
    return json.dumps({**found, "account": account}).encode()


def _decoded(private: bytes) -> dict[str, Any] | None:
    """Return the entries of a private state; None where it is not ours."""
    try:
        found = json.loads(private or b"{}")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def _names(found: Mapping[str, Any], key: str) -> frozenset[str]:
    value = found.get(key)
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()
