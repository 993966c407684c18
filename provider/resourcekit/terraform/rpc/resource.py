"""ValidateResourceConfig, PlanResourceChange, ApplyResourceChange and ReadResource."""

from __future__ import annotations

from typing import Any

from resourcekit.errors import ResourceError
from resourcekit.planning.validate import null_entries
from resourcekit.terraform import new_state, plan
from resourcekit.terraform.cty.msgpack import WireError, wire_contains_unknown
from resourcekit.terraform.diagnostics import Diagnostics, rpc_handler
from resourcekit.terraform.plan_cache import plan_key
from resourcekit.terraform.planned_state import config_as_planned
from resourcekit.terraform.private_state import PrivateState, with_account, with_create_seed
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.resource_type import ResourceType, find_type, identity_of, known_identity, write_identity
from resourcekit.terraform.schema import Values, write_only_name
from resourcekit.terraform.session import TerraformSession

_READ_SECONDS = 300


class ResourceRpcs:
    """RPCs of managed resources."""

    def __init__(self, session: TerraformSession, kinds: dict[str, ResourceType]) -> None:
        self.session = session
        self.kinds = kinds

    @rpc_handler(pb.ValidateResourceConfig.Response, "validate")
    def ValidateResourceConfig(self, request: pb.ValidateResourceConfig.Request, report: Diagnostics) -> Any:
        """Check the configuration of a resource."""
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        config = _present(kind, request.config)
        report.redact_values(kind.secrets(config))
        if not request.client_capabilities.write_only_attributes_allowed:
            for name in sorted(kind.write_only_variants):
                if config.get(write_only_name(name)) is not None:
                    advice = f"this engine would store it in its state; use `{name}`, or an engine of 1.11 or later"
                    report.error(f"{write_only_name(name)} is write-only", advice, write_only_name(name))
        plan.validated_arguments(kind, config, validating=True)
        return pb.ValidateResourceConfig.Response()

    @rpc_handler(pb.PlanResourceChange.Response, "plan")
    def PlanResourceChange(self, request: pb.PlanResourceChange.Request, report: Diagnostics) -> Any:
        """Return the plan of a create, an update or a delete."""
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        prior = kind.block.read(request.prior_state)
        config = kind.block.read(request.config)
        self._record_seen(kind, prior, report)
        if config is None:
            if prior is not None:
                kind.lifecycle.ensure_not_protected(kind.state(prior), "destroy")
                self._record_pending(kind, prior)
            return pb.PlanResourceChange.Response(
                planned_state=kind.block.write(None),
                planned_private=request.prior_private,
                planned_identity=identity_of(prior, request.prior_identity),
            )
        report.redact_values(kind.secrets(config))
        memory = PrivateState.from_bytes(request.prior_private)
        if prior is None:
            self._refuse_replacement(kind, config, memory)
            replaced = memory.replaced
            memory = PrivateState()  # the request has the one of the object to be replaced
            response = self._cached_plan(kind, None, config, memory, request, report)
            if request.client_capabilities.store_planned_private:
                # Not from the cache, which has one plan for resources with the same arguments.
                response.planned_private = with_create_seed(response.planned_private, request.planned_private, replaced)
            return response
        # The plan of an existing object that depends on other resources cannot be cached: the request alone does not
        # determine it.
        if not kind.resource.depends_on_other_resources:
            return self._cached_plan(kind, prior, config, memory, request, report)
        return self._plan(kind, prior, config, memory, request, report)[0]

    @rpc_handler(
        pb.ApplyResourceChange.Response,
        "apply",
        # After any error the prior object still exists: a response without it would remove it from the state.
        fallback=lambda request: {
            "new_state": request.prior_state,
            "private": request.planned_private,
            "new_identity": known_identity(request.prior_state, request.planned_identity),
        },
    )
    def ApplyResourceChange(self, request: pb.ApplyResourceChange.Request, report: Diagnostics) -> Any:
        """Create, update or delete an object, and return its state."""
        self.session.is_applying = True
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        prior = kind.block.read(request.prior_state)
        planned = kind.block.read(request.planned_state)
        self._record_seen(kind, prior, report)
        if planned is None:
            self._delete(kind, prior, PrivateState.from_bytes(request.planned_private).account, report)
            return pb.ApplyResourceChange.Response(new_state=kind.block.write(None))
        config = _present(kind, request.config)
        report.redact_values(kind.secrets(config))
        planned_memory = PrivateState.from_bytes(request.planned_private)
        memory = planned_memory.applied()
        approved = config_as_planned(kind, planned, config, memory.configured)
        if prior is None:
            state, account = self._create(kind, planned, approved, planned_memory, report)
        else:
            state, account = self._update(kind, prior, planned, approved, planned_memory, report)
            if report.failed:
                memory = planned_memory  # the next apply has the rest of the changes to make
            self._record_pending(kind, prior)
        return pb.ApplyResourceChange.Response(
            new_state=kind.block.write(state),
            private=with_account(memory.to_bytes(), account),
            new_identity=write_identity(kind.id(state)),
        )

    @rpc_handler(
        pb.ReadResource.Response,
        "read",
        fallback=lambda request: {
            "new_state": request.current_state,
            "private": request.private,
            "new_identity": known_identity(request.current_state, request.current_identity),
        },
    )
    def ReadResource(self, request: pb.ReadResource.Request, report: Diagnostics) -> Any:
        """Return the current state of an object; a null state if it was deleted."""
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        prior = _present(kind, request.current_state)
        self._record_seen(kind, prior, report)
        state = kind.state(prior)
        if new_state.is_import(kind, prior):
            state = {name: value for name, value in state.items() if value is not None}
        memory = PrivateState.from_bytes(request.private)
        ctx = self.session.context(_READ_SECONDS, report, account=memory.account)
        result = kind.lifecycle.read(kind.id(prior), state, {}, ctx)
        if result is None:
            return pb.ReadResource.Response(new_state=kind.block.write(None))
        return pb.ReadResource.Response(
            new_state=kind.block.write(
                new_state.state_after_read(kind, result.id, result.state, prior, memory.omitted_on_import)
            ),
            private=with_account(request.private, result.account),
            new_identity=write_identity(result.id),
        )

    def _refuse_replacement(self, kind: ResourceType, config: Values, memory: PrivateState) -> None:
        """Refuse the plan of a new object that replaces a protected one.

        During the apply, the engine destroys the dependents of an object before the object, so a refusal there would
        come too late. A replacement that the engine forces (`-replace`, `replace_triggered_by`) is planned twice: first
        from the object, then from nothing, with the private state of the first plan. The replacement of a tainted
        object is planned from nothing only.

        Raises:
            ResourceError: The object that is to be replaced is protected.
        """
        if memory.protection:
            raise ResourceError(f"cannot replace: {memory.protection}")
        if not self.session.is_applying:
            self.session.tainted.check_create(kind.type_name, kind.config_arguments(config))

    def _cached_plan(
        self,
        kind: ResourceType,
        prior: Values | None,
        config: Values,
        memory: PrivateState,
        request: pb.PlanResourceChange.Request,
        report: Diagnostics,
    ) -> pb.PlanResourceChange.Response:
        """Return the plan of the previous process; if there is none, a new one, stored for the next process."""
        key = plan_key(request, is_create=prior is None)
        cached = self.session.plan_cache.get(key)
        if cached is not None:
            response = pb.PlanResourceChange.Response.FromString(cached)
            if prior is not None:
                self._record_unknown(kind, prior, _present(kind, response.planned_state))
            return response
        response, is_change = self._plan(kind, prior, config, memory, request, report)
        # Without changes there is nothing to apply, and so no second plan. A plan without the API is incomplete.
        if is_change and self.session.api is not None:
            self.session.plan_cache.put(key, response.SerializeToString())
        return response

    def _plan(
        self,
        kind: ResourceType,
        prior: Values | None,
        config: Values,
        memory: PrivateState,
        request: pb.PlanResourceChange.Request,
        report: Diagnostics,
    ) -> tuple[pb.PlanResourceChange.Response, bool]:
        """Return the plan, and whether it changes anything."""
        ctx = self.session.planning_context(report, memory.account)
        planned = plan.plan(kind, prior, config, memory, ctx, again=self.session.is_applying)
        if prior is not None:
            self._record_unknown(kind, prior, planned.planned)
        response = pb.PlanResourceChange.Response(
            planned_state=kind.block.write(planned.planned),
            requires_replace=[
                pb.AttributePath(steps=[pb.AttributePath.Step(attribute_name=name)]) for name in planned.replaces
            ],
            planned_private=memory.to_planned_bytes(
                planned.configured, self._protection(kind, prior), kind.id(prior) if prior is not None else ""
            ),
            planned_identity=identity_of(prior, request.prior_identity),
        )
        return response, planned.planned != prior

    def _protection(self, kind: ResourceType, prior: Values | None) -> str:
        """Return why the object must not be deleted; empty if it may be."""
        return "" if prior is None else kind.lifecycle.deletion_blocked_reason(kind.state(prior)) or ""

    def _create(
        self, kind: ResourceType, planned: Values, approved: Values, memory: PrivateState, report: Diagnostics
    ) -> tuple[Values, str | None]:
        """Create the object, and return its state and the account to record.

        Args:
            kind: The resource type.
            planned: The planned state.
            approved: The configuration that the plan was made from.
            memory: The plan's private state.
            report: Receives the diagnostics.
        """
        report.doing = "create"
        arguments = plan.validated_arguments(kind, approved)
        nulls = null_entries(kind.resource.arguments, kind.config_arguments(approved))
        identity, earlier = map(kind.key_arguments, (arguments, {**arguments, **nulls}))
        keys = self.session.keys(kind.type_name, identity, earlier, memory.create_seed, memory.replaced)
        ctx = self.session.context(kind.timeout_seconds(planned, "create"), report, keys=keys, null_entries=nulls)
        outcome = kind.lifecycle.create(arguments, ctx)
        # From here on, an error must not remove the object from the state.
        report.fallback_reply = {
            "new_state": kind.block.write(new_state.minimal_state(outcome.id, planned)),
            "new_identity": write_identity(outcome.id),
        }
        if outcome.incomplete_reason and (outcome.cancelled or kind.lifecycle.is_incomplete(outcome.state)):
            # The user stopped the run, or it timed out. The object exists, and the next apply waits for it. After an
            # error, the engine would destroy the object and create another one.
            report.warn(f"{outcome.incomplete_reason}. The object is saved in the state; the next apply resumes")
        elif outcome.incomplete_reason:
            report.error(f"Cannot finish {kind.type_name}", outcome.incomplete_reason)
        return new_state.state_after_apply(kind, outcome.id, outcome.state, planned, report.warn), outcome.account

    def _update(
        self,
        kind: ResourceType,
        prior: Values,
        planned: Values,
        approved: Values,
        memory: PrivateState,
        report: Diagnostics,
    ) -> tuple[Values, str | None]:
        """Update the object, and return its state and the account to record."""
        report.doing = "update"
        diff = plan.diff_config(kind, prior, approved, memory, self.session.planning_context(report, memory.account))
        state = diff.state
        if not (diff.changed or kind.lifecycle.is_incomplete(state) or wire_contains_unknown(planned)):
            return planned, memory.account  # only Terraform's own attributes changed: no request
        ctx = self.session.context(kind.timeout_seconds(planned, "update"), report, account=memory.account)
        outcome = kind.lifecycle.update(kind.id(prior), diff.args, state, diff.changed, ctx)
        if outcome.incomplete_reason:
            report.error(f"Cannot finish {kind.type_name}", outcome.incomplete_reason)
            # The state after the part of the changes that was made.
            return new_state.state_after_read(kind, outcome.id, outcome.state, prior), outcome.account
        return new_state.state_after_apply(kind, outcome.id, outcome.state, planned, report.warn), outcome.account

    def _delete(self, kind: ResourceType, prior: Values | None, account: str, report: Diagnostics) -> None:
        report.doing = "destroy"
        if prior is not None:
            ctx = self.session.context(kind.timeout_seconds(prior, "delete"), report, account=account)
            kind.lifecycle.delete(kind.id(prior), kind.state(prior), ctx)
            self.session.ledger.record_deleted(kind.type_name, kind.id(prior))

    def _record_seen(self, kind: ResourceType, prior: Values | None, report: Diagnostics) -> None:
        """Record that the engine's state has this object, and mask the secrets of that state."""
        report.redact_values(kind.secrets(prior))
        if prior is not None and isinstance(prior.get("id"), str):
            self.session.ledger.record_seen(kind.type_name, str(prior["id"]))

    def _record_pending(self, kind: ResourceType, prior: Values, *fields: str) -> None:
        """Record the fields of an object that are planned to change; none after the apply."""
        self.session.pending_changes.record(kind.resource.name, kind.id(prior), fields)

    def _record_unknown(self, kind: ResourceType, prior: Values, planned: Values) -> None:
        self._record_pending(kind, prior, *(name for name, value in planned.items() if wire_contains_unknown(value)))


def _present(kind: ResourceType, value: pb.DynamicValue) -> Values:
    values = kind.block.read(value)
    if values is None:
        raise WireError("the engine sent null where an object belongs")
    return values
