"""The session of one provider process: the package, the API client, and the cancellation."""

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
from resourcekit.terraform.plan_cache import PlanCache
from resourcekit.terraform.tainted import TaintedGuard
from resourcekit.terraform_names import rename_code_spans, terraform_types

log = logging.getLogger(__name__)


class TerraformSession:
    """The state that all RPCs share. The engine sends requests from many threads at once.

    Attributes:
        api: The vendor's client; None until the settings are known.
        cancel: Set when the user stops the run.
        pending_changes: The changes planned since the last configuration.
        scope: What identifies the program for idempotency keys; empty if nothing does.
        is_applying: Whether anything has been applied since the last configuration. During an apply, the engine plans
            each change once more, with a process of its own.
        plan_cache: The plans of the previous process.
        ledger: Which objects this process owns, since the last configuration.
        tainted: The protected objects that the engine may replace because they are tainted.
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
        """Start with known settings.

        Args:
            api: The vendor's client.
            scope: What identifies the program; empty if nothing does.
        """
        # All workspaces of a configuration may have the same scope, and each workspace has its own state.
        self.api, self.scope = api, scope and f"{scope} {state_pull.current_workspace(os.environ)}"
        ledger = OwnershipRegistry(lambda: state_pull.read_refs(ledger.seen))
        self.ledger, self.is_applying = ledger, False
        self.tainted = TaintedGuard()

    def keys(
        self,
        type_name: str,
        arguments: Mapping[str, Any],
        earlier: Mapping[str, Any],
        planned: str = "",
        replaced: str = "",
    ) -> IdempotencyKeys:
        """Return the idempotency keys of a create.

        The engine does not send a resource's address. With a scope, the arguments identify the resource. Resources with
        the same arguments are distinguished by the objects in the state. Without a scope, the plan identifies the
        create, if the engine sends its private state (docs/decisions/0015-terraform-keys.md).

        Args:
            type_name: The resource type.
            arguments: The arguments that identify the resource.
            earlier: The arguments from which release 0.1.0 made its keys.
            planned: The seed in the plan; empty if the plan has none.
            replaced: The id of the replaced object in the plan; empty if the plan has none.
        """
        if not self.scope:
            # Not exclusive: the create call must not wait, because another plan does not find the object.
            return IdempotencyKeys(type_name, planned or None, self.ledger, exclusive=False, of_plan=bool(planned))
        seed, before = (
            f"{self.scope} {json.dumps(each, sort_keys=True, default=str)}" for each in (arguments, earlier)
        )
        others = () if before == seed else (before,)
        return IdempotencyKeys(type_name, seed, self.ledger, exclusive=False, other_seeds=others, replaced=replaced)

    @cached_property
    def _types(self) -> Mapping[str, str]:
        return terraform_types(self.package)

    def localize(self, text: str) -> str:
        """Return a declared text in this engine's spelling."""
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
            report: Receives the warnings.
            account: The account that the object's state records; empty if it records none.
            keys: The idempotency keys of a create.
            null_entries: The null entries that the arguments of a create omit (`Context.null_entries`).

        Raises:
            ResourceError: The provider's settings are not known yet.
        """
        if self.api is None:
            raise ResourceError(
                "the provider's settings are not known yet, so it cannot reach the API. First create the resources "
                "that they come from (`-target=ADDRESS`), or set them in the configuration or in the environment"
            )

        def log_info(text: str) -> None:
            log.info("%s: %s", report.subject, report.redact(text))

        deadline = time.monotonic() + seconds
        return Context(
            api=self.package.with_deadline(self.api, deadline, self.cancel, log_info),
            deadline=deadline,
            cancel=self.cancel,
            progress=log_info,
            info=log_info,
            warn=report.warn,
            idempotency_keys=keys or IdempotencyKeys(),
            null_entries=null_entries or {},
            pending_changes=self.pending_changes,
            account=account or None,
            ownership=self.ledger,
        )

    def planning_context(self, report: Diagnostics, account: str) -> Context[Any] | None:
        """Return the context of a plan; None if the settings are not known yet, when plans work without the API."""
        return None if self.api is None else self.context(120, report, account=account)
