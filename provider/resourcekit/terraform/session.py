"""One provider process: the package, its connection once it is configured, and the wish to stop."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.idempotency import IdempotencyKeys, OwnershipRegistry
from resourcekit.package import Package
from resourcekit.pending_changes import PendingChanges
from resourcekit.terraform import state_pull
from resourcekit.terraform.diagnostics import Diagnostics
from resourcekit.terraform.names import rename_code_spans, terraform_types
from resourcekit.terraform.plan_cache import PlanCache
from resourcekit.terraform.tainted import TaintedGuard

log = logging.getLogger(__name__)


class TerraformSession:
    """Shared by all families of calls; the engine calls from many threads at once.

    api: the vendor's client; None until the settings are known.
    ledger: whose objects are known to be whose, since the last configuration.
    moving: what has been planned since then. is_applying: whether anything has been applied since then: while applying,
    the engine plans each change once more, by a process of its own. foretold: what the process before it has planned.
    """

    def __init__(self, package: Package[Any]) -> None:
        self.package = package
        self.api: Any = None
        self.cancel = threading.Event()
        self.pending_changes = PendingChanges()
        self.scope = ""
        self.is_applying = False
        self.plan_cache = PlanCache(None)
        self.ledger = OwnershipRegistry(lambda: None)
        self.tainted = TaintedGuard()

    def configure(self, api: Any, scope: str) -> None:
        """The settings are known. scope: what names the program; empty = nothing does."""
        # A scope may be the same in every workspace of a configuration, and each has a state of its own.
        self.api, self.scope = api, scope and f"{scope} {state_pull.current_workspace(os.environ)}"
        ledger = OwnershipRegistry(lambda: state_pull.read_refs(ledger.seen))
        self.ledger, self.is_applying = ledger, False
        self.tainted = TaintedGuard()

    def keys(self, type_name: str, arguments: Mapping[str, Any], earlier: Mapping[str, Any]) -> IdempotencyKeys:
        """Of a creation. The engine tells nobody a resource's address: with a scope its arguments stand for it, and
        several that are alike are told apart by what the state holds (docs/decisions/0015-terraform-keys.md).

        earlier: the arguments as release 0.1.0 took them, which its keys came from.
        """
        if not self.scope:
            return IdempotencyKeys(type_name, None, self.ledger)
        seed, before = (
            f"{self.scope} {json.dumps(each, sort_keys=True, default=str)}" for each in (arguments, earlier)
        )
        others = () if before == seed else (before,)
        return IdempotencyKeys(type_name, seed, self.ledger, exclusive=False, other_seeds=others)

    @cached_property
    def _types(self) -> Mapping[str, str]:
        return terraform_types(self.package)

    def localize(self, text: str) -> str:
        """A declared text in this engine's spelling."""
        return rename_code_spans(text, self._types)

    def context(
        self,
        seconds: float,
        report: Diagnostics,
        *,
        account: str = "",
        keys: IdempotencyKeys | None = None,
        null_entries: Mapping[str, Any] | None = None,
    ) -> Context[Any]:
        """Return the context of one operation.

        Args:
            seconds: How long the operation may take.
            report: Where it warns.
            account: The account that the object's state records; empty where it records none.
            keys: The idempotency keys of a create.
            null_entries: What the arguments of a create leave out (`Context.null_entries`).

        Raises:
            ResourceError: The provider's settings are not known yet.
        """
        if self.api is None:
            raise ResourceError(
                "the provider's settings are not known yet, so it cannot reach the API. Make what they come from first "
                "(`-target=ADDRESS`), or give the settings in the configuration or in the environment"
            )

        def say(text: str) -> None:
            log.info("%s: %s", report.subject, report.redact(text))

        deadline = time.monotonic() + seconds
        return Context(
            api=self.package.with_deadline(self.api, deadline, self.cancel, say),
            deadline=deadline,
            cancel=self.cancel,
            progress=say,
            info=say,
            warn=report.warn,
            idempotency_keys=keys or IdempotencyKeys(),
            null_entries=null_entries or {},
            pending_changes=self.pending_changes,
            account=account or None,
            ownership=self.ledger,
        )

    def planning_context(self, report: Diagnostics, account: str) -> Context[Any] | None:
        """For asking the API while planning; None while the settings are not known, when plans go on without."""
        return None if self.api is None else self.context(120, report, account=account)
