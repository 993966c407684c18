"""Private state: the arguments that the configuration set, and those that an import leaves out.

The first distinguish a removed argument from one that was never set. The second are needed until the read after an
import.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_CREATE_SEED: Final = "create_seed"
_REPLACED: Final = "replaced"


@dataclass(frozen=True)
class PrivateState:
    """A resource's private state, decoded.

    Attributes:
        configured: The arguments that the configuration of the last apply set, write-only variants by their own names;
            empty if there was no apply.
        omitted_on_import: The arguments whose values an import leaves out of the state.
        account: The account that the object belongs to (`Package.account`); empty if a release wrote the state that
            recorded none.
        planned_given: The value of `configured` after the plan has been applied.
        protection: Why the object of the previous plan must not be deleted; empty if it may be.
        replaced: The id of the object of the previous plan. The plan of the object that replaces it has it too.
        create_seed: What the idempotency keys of the planned create are derived from; empty for another plan, and for
            an engine that does not send it to the apply.
    """

    configured: frozenset[str] = frozenset()
    omitted_on_import: frozenset[str] = frozenset()
    account: str = ""
    planned_given: frozenset[str] = field(default=frozenset(), compare=False)
    protection: str = field(default="", compare=False)
    create_seed: str = field(default="", compare=False)
    replaced: str = field(default="", compare=False)

    def to_bytes(self) -> bytes:
        """Return the bytes that the engine stores after an apply."""
        omitted = {"withheld": sorted(self.omitted_on_import)} if self.omitted_on_import else {}
        return json.dumps({"given": sorted(self.configured), **omitted, **self._account}).encode()

    def to_planned_bytes(self, configured: frozenset[str], protection: str = "", id: str = "") -> bytes:
        """Return a plan's private state: this one, with the arguments that the configuration sets now.

        Args:
            configured: The arguments that the configuration sets.
            protection: Why the object must not be deleted, for the plan of its replacement; empty if it may be.
            id: The object's id, for the same plan; empty if there is no object.
        """
        for_replacement = {"protection": protection, _REPLACED: id}
        added = {name: value for name, value in for_replacement.items() if value}
        return json.dumps(
            {"given": sorted(self.configured), "planned": sorted(configured), **added, **self._account}
        ).encode()

    @property
    def _account(self) -> dict[str, str]:
        return {"account": self.account} if self.account else {}

    @classmethod
    def from_bytes(cls, private: bytes) -> PrivateState:
        """Decode a private state. One in another form (an import, another release) is taken as empty."""
        entries = _decoded(private) or {}
        return cls(
            _names(entries, "given"),
            _names(entries, "withheld"),
            _text(entries, "account"),
            _names(entries, "planned"),
            _text(entries, "protection"),
            _text(entries, _CREATE_SEED),
            _text(entries, _REPLACED),
        )

    def applied(self) -> PrivateState:
        """Return the private state after the plan has been applied."""
        return PrivateState(self.planned_given, account=self.account)


def account_in(private: bytes) -> str:
    """Return the account that a private state records; empty if it records none."""
    return _text(_decoded(private) or {}, "account")


def with_account(private: bytes, account: str | None) -> bytes:
    """Return a private state with an account recorded; unchanged if it has that account, or there is none."""
    entries = _decoded(private) if account else None
    if entries is None or entries.get("account") == account:
        return private
    return json.dumps({**entries, "account": account}).encode()


def with_create_seed(planned: bytes, sent: bytes, replaced: str) -> bytes:
    """Return the private state of a planned create with what its idempotency keys need: a seed and the replaced object.

    Args:
        planned: The private state.
        sent: The private state of the first plan, which the engine sends with the second one; empty for the first plan.
        replaced: The id of the object to be replaced; empty if there is none, and for the second plan.
    """
    first = PrivateState.from_bytes(sent)
    entries = {_CREATE_SEED: first.create_seed or str(uuid.uuid4()), _REPLACED: first.replaced or replaced}
    added = {name: value for name, value in entries.items() if value}
    return json.dumps({**(_decoded(planned) or {}), **added}).encode()


def _decoded(private: bytes) -> dict[str, Any] | None:
    """Return the entries of a private state; None if another provider wrote it."""
    try:
        entries = json.loads(private or b"{}")
    except (ValueError, RecursionError):
        return None
    return entries if isinstance(entries, dict) else None


def _text(entries: Mapping[str, Any], key: str) -> str:
    value = entries.get(key)
    return value if isinstance(value, str) else ""


def _names(entries: Mapping[str, Any], key: str) -> frozenset[str]:
    value = entries.get(key)
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()
