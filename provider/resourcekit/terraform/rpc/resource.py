"""ValidateResourceConfig, PlanResourceChange, ApplyResourceChange and ReadResource."""

from __future__ import annotations

from typing import Any

from resourcekit.errors import ResourceError
from resourcekit.planning.validate import null_entries
from resourcekit.terraform import new_state, plan
from resourcekit.terraform.cty.msgpack import WireError, wire_contains_unknown
from resourcekit.terraform.diagnostics import Diagnostics, rpc_handler
from resourcekit.terraform.planned_config import config_as_planned
from resourcekit.terraform.private_state import PrivateState, with_account
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.resource_type import ResourceType, find_type, identity_of, known_identity, write_identity
from resourcekit.terraform.schema import Values, write_only_name
from resourcekit.terraform.session import TerraformSession

_READ_SECONDS = 300


class ResourceRpcs:
    """The RPCs of managed resources."""

    def __init__(self, session: TerraformSession, kinds: dict[str, ResourceType]) -> None:
        self.session = session
        self.kinds = kinds

    @rpc_handler(pb.ValidateResourceConfig.Response, "validate")
    def ValidateResourceConfig(self, request: pb.ValidateResourceConfig.Request, report: Diagnostics) -> Any:
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        config = _present(kind, request.config)
        report.redact_values(kind.secrets(config))
        if not request.client_capabilities.write_only_attributes_allowed:
            for name in sorted(kind.write_only_variants):
                if config.get(write_only_name(name)) is not None:
                    advice = f"this engine would keep it in its state; use `{name}`, or an engine of 1.11 or later"
                    report.error(f"{write_only_name(name)} is write-only", advice, write_only_name(name))
        plan.validated_arguments(kind, config, validating=True)
        return pb.ValidateResourceConfig.Response()

    @rpc_handler(pb.PlanResourceChange.Response, "plan")
    def PlanResourceChange(self, request: pb.PlanResourceChange.Request, report: Diagnostics) -> Any:
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        prior = kind.block.read(request.prior_state)
        config = kind.block.read(request.config)
        self._note(kind, prior, report)
        if config is None:
            if prior is not None:
                kind.lifecycle.ensure_not_protected(kind.state(prior), "destroy")
                self._move(kind, prior)
            return pb.PlanResourceChange.Response(
                planned_state=kind.block.write(None),
                planned_private=request.prior_private,
                planned_identity=identity_of(prior, request.prior_identity),
            )
        report.redact_values(kind.secrets(config))
        memory = PrivateState.from_bytes(request.prior_private)
        if prior is None:
            self._refuse_replacement(kind, config, memory)
            memory = PrivateState()  # it was that of the object to be replaced
        # The plan of a resource that follows others depends on more than its own request once it exists.
        if prior is None or not kind.resource.depends_on_other_resources:
            return self._foretold(kind, prior, config, memory, request, report)
        return self._plan(kind, prior, config, memory, request, report)[0]

    @rpc_handler(
        pb.ApplyResourceChange.Response,
        "apply",
        # Whatever went wrong, what was there before still is: an answer without it would lose the object.
        kept=lambda request: {
            "new_state": request.prior_state,
            "private": request.planned_private,
            "new_identity": known_identity(request.prior_state, request.planned_identity),
        },
    )
    def ApplyResourceChange(self, request: pb.ApplyResourceChange.Request, report: Diagnostics) -> Any:
        self.session.is_applying = True
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        prior = kind.block.read(request.prior_state)
        planned = kind.block.read(request.planned_state)
        self._note(kind, prior, report)
        if planned is None:
            self._delete(kind, prior, PrivateState.from_bytes(request.planned_private).account, report)
            return pb.ApplyResourceChange.Response(new_state=kind.block.write(None))
        config = _present(kind, request.config)
        report.redact_values(kind.secrets(config))
        remembered = PrivateState.from_bytes(request.planned_private)
        memory = remembered.applied()
        approved = config_as_planned(kind, planned, config, memory.configured)
        if prior is None:
            state, account = self._create(kind, planned, approved, report)
        else:
            state, account = self._update(kind, prior, planned, approved, remembered, report)
            if report.failed:
                memory = remembered  # what is not done yet is still to be done
            self._move(kind, prior)
        return pb.ApplyResourceChange.Response(
            new_state=kind.block.write(state),
            private=with_account(memory.to_bytes(), account),
            new_identity=write_identity(kind.id(state)),
        )

    @rpc_handler(
        pb.ReadResource.Response,
        "read",
        kept=lambda request: {
            "new_state": request.current_state,
            "private": request.private,
            "new_identity": known_identity(request.current_state, request.current_identity),
        },
    )
    def ReadResource(self, request: pb.ReadResource.Request, report: Diagnostics) -> Any:
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        prior = _present(kind, request.current_state)
        self._note(kind, prior, report)
        state = kind.state(prior)
        if new_state.is_import(kind, prior):
            state = {name: value for name, value in state.items() if value is not None}
        memory = PrivateState.from_bytes(request.private)
        ctx = self.session.context(_READ_SECONDS, report, account=memory.account)
        found = kind.lifecycle.read(kind.id(prior), state, {}, ctx)
        if found is None:
            return pb.ReadResource.Response(new_state=kind.block.write(None))
        return pb.ReadResource.Response(
            new_state=kind.block.write(
                new_state.state_after_read(kind, found.id, found.state, prior, memory.omitted_on_import)
            ),
            private=with_account(request.private, found.account),
            new_identity=write_identity(found.id),
        )

    def _refuse_replacement(self, kind: ResourceType, config: Values, memory: PrivateState) -> None:
        """Raise ResourceError where the plan of a new object is that of a protected object's replacement.

        At apply the engine destroys the dependents of an object before the object. A replacement that the engine
        forces (`-replace`, `replace_triggered_by`) is planned twice: first from the object, then from nothing, with
        what the first plan left in the private state. That of a tainted object is planned from nothing alone.
        """
        if memory.protection:
            raise ResourceError(f"cannot replace: {memory.protection}")
        if not self.session.is_applying:
            self.session.tainted.check_create(kind.type_name, kind.config_arguments(config))

    def _foretold(
        self,
        kind: ResourceType,
        prior: Values | None,
        config: Values,
        memory: PrivateState,
        request: pb.PlanResourceChange.Request,
        report: Diagnostics,
    ) -> pb.PlanResourceChange.Response:
        """Return the plan of the process before this one, or a new plan, stored for the next one."""
        asked = plan_key(request, is_create=prior is None)
        before = self.session.plan_cache.get(asked)
        if before is not None:
            answer = pb.PlanResourceChange.Response.FromString(before)
            if prior is not None:
                self._move_to(kind, prior, _present(kind, answer.planned_state))
            return answer
        answer, is_change = self._plan(kind, prior, config, memory, request, report)
        # Without changes there is nothing to apply, and no second plan. Without an API little was found out.
        if is_change and self.session.api is not None:
            self.session.plan_cache.put(asked, answer.SerializeToString())
        return answer

    def _plan(
        self,
        kind: ResourceType,
        prior: Values | None,
        config: Values,
        memory: PrivateState,
        request: pb.PlanResourceChange.Request,
        report: Diagnostics,
    ) -> tuple[pb.PlanResourceChange.Response, bool]:
        """The plan, and whether it changes anything."""
        ctx = self.session.planning_context(report, memory.account)
        found = plan.plan(kind, prior, config, memory, ctx, again=self.session.is_applying)
        if prior is not None:
            self._move_to(kind, prior, found.planned)
        answer = pb.PlanResourceChange.Response(
            planned_state=kind.block.write(found.planned),
            requires_replace=[
                pb.AttributePath(steps=[pb.AttributePath.Step(attribute_name=name)]) for name in found.replaces
            ],
            planned_private=memory.to_planned_bytes(found.given, self._protection(kind, prior)),
            planned_identity=identity_of(prior, request.prior_identity),
        )
        return answer, found.planned != prior

    def _protection(self, kind: ResourceType, prior: Values | None) -> str:
        """Why the object must stay; empty where it need not."""
        return "" if prior is None else kind.lifecycle.deletion_blocked_reason(kind.state(prior)) or ""

    def _create(
        self, kind: ResourceType, planned: Values, approved: Values, report: Diagnostics
    ) -> tuple[Values, str | None]:
        """The state, and the account to record."""
        report.doing = "create"
        arguments = plan.validated_arguments(kind, approved)
        nulls = null_entries(kind.resource.arguments, kind.config_arguments(approved))
        earlier = {**arguments, **nulls}
        keys = self.session.keys(kind.type_name, kind.key_arguments(arguments), kind.key_arguments(earlier))
        ctx = self.session.context(kind.timeout_seconds(planned, "create"), report, keys=keys, null_entries=nulls)
        outcome = kind.lifecycle.create(arguments, ctx)
        # From here on a failure must not lose the object.
        report.fallback_reply = {
            "new_state": kind.block.write(new_state.minimal_state(outcome.id, planned)),
            "new_identity": write_identity(outcome.id),
        }
        if outcome.incomplete_reason and (outcome.cancelled or kind.lifecycle.is_incomplete(outcome.state)):
            # The user stopped, or the time ran out. The object is there and is waited for by the next apply; an error
            # would have it destroyed and made again instead.
            report.warn(f"{outcome.incomplete_reason}. It is kept in the state, and the next apply goes on with it")
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
        """The state, and the account to record."""
        report.doing = "update"
        found = plan.diff_config(kind, prior, approved, memory, self.session.planning_context(report, memory.account))
        state = found.state
        if not (found.changed or kind.lifecycle.is_incomplete(state) or wire_contains_unknown(planned)):
            return planned, memory.account  # Terraform's own attributes alone: the API has nothing to do
        ctx = self.session.context(kind.timeout_seconds(planned, "update"), report, account=memory.account)
        outcome = kind.lifecycle.update(kind.id(prior), found.args, state, found.changed, ctx)
        if outcome.incomplete_reason:
            report.error(f"Cannot finish {kind.type_name}", outcome.incomplete_reason)
            return new_state.state_after_read(
                kind, outcome.id, outcome.state, prior
            ), outcome.account  # as far as it came
        return new_state.state_after_apply(kind, outcome.id, outcome.state, planned, report.warn), outcome.account

    def _delete(self, kind: ResourceType, prior: Values | None, account: str, report: Diagnostics) -> None:
        report.doing = "destroy"
        if prior is not None:
            ctx = self.session.context(kind.timeout_seconds(prior, "delete"), report, account=account)
            kind.lifecycle.delete(kind.id(prior), kind.state(prior), ctx)

    def _note(self, kind: ResourceType, prior: Values | None, report: Diagnostics) -> None:
        """What the engine speaks of is in its state, secrets included."""
        report.redact_values(kind.secrets(prior))
        if prior is not None and isinstance(prior.get("id"), str):
            self.session.ledger.record_seen(kind.type_name, str(prior["id"]))

    def _move(self, kind: ResourceType, prior: Values, *fields: str) -> None:
        """What is planned for an object; nothing once it is done."""
        self.session.pending_changes.record(kind.resource.name, kind.id(prior), fields)

    def _move_to(self, kind: ResourceType, prior: Values, planned: Values) -> None:
        self._move(kind, prior, *(name for name, value in planned.items() if wire_contains_unknown(value)))


def plan_key(request: pb.PlanResourceChange.Request, *, is_create: bool) -> bytes:
    """Return what the plan of a request depends on, without changing the request.

    While it applies, Terraform sends other client capabilities and another proposed state. Neither makes a difference
    here. The private state of a create is that of the object to be replaced.
    """
    relevant = pb.PlanResourceChange.Request()
    relevant.CopyFrom(request)
    for name in ("client_capabilities", "proposed_new_state", *(["prior_private"] if is_create else [])):
        relevant.ClearField(name)
    return relevant.SerializeToString(deterministic=True)


def _present(kind: ResourceType, value: pb.DynamicValue) -> Values:
    found = kind.block.read(value)
    if found is None:
        raise WireError("the engine sent null where an object belongs")
    return found
