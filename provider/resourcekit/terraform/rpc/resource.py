"""ValidateResourceConfig, PlanResourceChange, ApplyResourceChange and ReadResource."""

from __future__ import annotations

from typing import Any

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.planning.check import null_entries
from resourcekit.terraform import plans, states
from resourcekit.terraform.agreement import agreed
from resourcekit.terraform.blocks import Values, twin
from resourcekit.terraform.diagnostics import Report, answered
from resourcekit.terraform.kinds import Kind, find_type, known_identity, write_identity
from resourcekit.terraform.memory import Memory, account_in, protection_in, with_account
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import Session
from resourcekit.terraform.values import WireError, is_unknown

_READ_SECONDS = 300


class ResourceRpcs:
    """The RPCs of managed resources."""

    def __init__(self, session: Session, kinds: dict[str, Kind]) -> None:
        self.session = session
        self.kinds = kinds

    @answered(pb.ValidateResourceConfig.Response, "validate")
    def ValidateResourceConfig(self, request: pb.ValidateResourceConfig.Request, report: Report) -> Any:
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        config = _present(kind, request.config)
        report.hide(kind.secrets(config))
        if not request.client_capabilities.write_only_attributes_allowed:
            for name in sorted(kind.twins):
                if config.get(twin(name)) is not None:
                    advice = f"this engine would keep it in its state; use `{name}`, or an engine of 1.11 or later"
                    report.error(f"{twin(name)} is write-only", advice, twin(name))
        plans.checked(kind, config, validating=True)
        return pb.ValidateResourceConfig.Response()

    @answered(pb.PlanResourceChange.Response, "plan")
    def PlanResourceChange(self, request: pb.PlanResourceChange.Request, report: Report) -> Any:
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        prior = kind.block.read(request.prior_state)
        config = kind.block.read(request.config)
        self._note(kind, prior, report)
        if config is None:
            if prior is not None:
                kind.lifecycle.refuse_if_protected(kind.state(prior), "destroy")
                self._move(kind, prior)
            return pb.PlanResourceChange.Response(
                planned_state=kind.block.write(None),
                planned_private=request.prior_private,
                planned_identity=known_identity(request.prior_state, request.prior_identity),
            )
        report.hide(kind.secrets(config))
        if prior is None:
            self._refuse_replacement(kind, config, request.prior_private)
        # What changes with others can be told by the request alone only before it is made.
        if prior is None or not kind.resource.follows_others:
            return self._foretold(kind, prior, config, request, report)
        return self._plan(kind, prior, config, request, report)[0]

    @answered(
        pb.ApplyResourceChange.Response,
        "apply",
        # Whatever went wrong, what was there before still is: an answer without it would lose the object.
        kept=lambda request: {
            "new_state": request.prior_state,
            "private": request.planned_private,
            "new_identity": known_identity(request.prior_state, request.planned_identity),
        },
    )
    def ApplyResourceChange(self, request: pb.ApplyResourceChange.Request, report: Report) -> Any:
        self.session.is_applying = True
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        prior = kind.block.read(request.prior_state)
        planned = kind.block.read(request.planned_state)
        self._note(kind, prior, report)
        if planned is None:
            self._delete(kind, prior, request.planned_private, report)
            return pb.ApplyResourceChange.Response(new_state=kind.block.write(None))
        config = _present(kind, request.config)
        report.hide(kind.secrets(config))
        remembered, memory = Memory.read(request.planned_private), Memory.planned(request.planned_private)
        approved = agreed(kind, planned, config, memory.given)
        if prior is None:
            state, account = self._create(kind, planned, approved, report)
        else:
            state, account = self._update(kind, prior, planned, approved, remembered, report)
            if report.failed:
                memory = remembered  # what is not done yet is still to be done
            self._move(kind, prior)
        return pb.ApplyResourceChange.Response(
            new_state=kind.block.write(state),
            private=with_account(memory.write(), account),
            new_identity=write_identity(kind.id(state)),
        )

    @answered(
        pb.ReadResource.Response,
        "read",
        kept=lambda request: {
            "new_state": request.current_state,
            "private": request.private,
            "new_identity": known_identity(request.current_state, request.current_identity),
        },
    )
    def ReadResource(self, request: pb.ReadResource.Request, report: Report) -> Any:
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        prior = _present(kind, request.current_state)
        self._note(kind, prior, report)
        state = kind.state(prior)
        if states.is_import(kind, prior):
            state = {name: value for name, value in state.items() if value is not None}
        ctx = self.session.context(_READ_SECONDS, report)
        ctx.account = account_in(request.private) or None
        found = kind.lifecycle.read(kind.id(prior), state, {}, ctx)
        if found is None:
            return pb.ReadResource.Response(new_state=kind.block.write(None))
        withheld = Memory.read(request.private).withheld
        return pb.ReadResource.Response(
            new_state=kind.block.write(states.after_read(kind, found.id, found.state, prior, withheld)),
            private=with_account(request.private, ctx.account),
            new_identity=write_identity(found.id),
        )

    def _refuse_replacement(self, kind: Kind, config: Values, prior_private: bytes) -> None:
        """Raise ResourceError where the plan of a new object is that of a protected object's replacement.

        At apply the engine destroys the dependents of an object before the object. A replacement that the engine
        forces (`-replace`, `replace_triggered_by`) is planned twice: first from the object, then from nothing, with
        what the first plan left in the private state. That of a tainted object is planned from nothing alone.
        """
        reason = protection_in(prior_private)
        if reason:
            raise ResourceError(f"cannot replace: {reason}")
        if not self.session.is_applying:
            self.session.tainted.refuse(kind.type_name, kind.given(config))

    def _foretold(
        self, kind: Kind, prior: Values | None, config: Values, request: pb.PlanResourceChange.Request, report: Report
    ) -> pb.PlanResourceChange.Response:
        """What the process before this one has planned, or a new plan, kept for the next one."""
        # While it applies Terraform puts these otherwise; none makes a difference here.
        request.ClearField("client_capabilities")
        request.ClearField("proposed_new_state")
        if prior is None:
            request.ClearField("prior_private")  # that of the object to be replaced
        asked = request.SerializeToString(deterministic=True)
        before = self.session.foretold.take(asked)
        if before is not None:
            answer = pb.PlanResourceChange.Response.FromString(before)
            if prior is not None:
                self._move_to(kind, prior, _present(kind, answer.planned_state))
            return answer
        answer, is_change = self._plan(kind, prior, config, request, report)
        # Without changes there is nothing to apply, and no second plan. Without an API little was found out.
        if is_change and self.session.api is not None:
            self.session.foretold.keep(asked, answer.SerializeToString())
        return answer

    def _plan(
        self, kind: Kind, prior: Values | None, config: Values, request: pb.PlanResourceChange.Request, report: Report
    ) -> tuple[pb.PlanResourceChange.Response, bool]:
        """The plan, and whether it changes anything."""
        memory = Memory.read(request.prior_private)
        ctx = self._planning_context(memory, report)
        found = plans.plan(kind, prior, config, memory, ctx, again=self.session.is_applying)
        if prior is not None:
            self._move_to(kind, prior, found.planned)
        answer = pb.PlanResourceChange.Response(
            planned_state=kind.block.write(found.planned),
            requires_replace=[
                pb.AttributePath(steps=[pb.AttributePath.Step(attribute_name=name)]) for name in found.replaces
            ],
            planned_private=memory.write_planned(found.given, self._protection(kind, prior)),
            planned_identity=known_identity(request.prior_state, request.prior_identity),
        )
        return answer, found.planned != prior

    def _protection(self, kind: Kind, prior: Values | None) -> str:
        """Why the object must stay; empty where it need not."""
        return "" if prior is None else kind.lifecycle.protection(kind.state(prior)) or ""

    def _planning_context(self, memory: Memory, report: Report) -> Context[Any] | None:
        ctx = self.session.planning_context(report)
        if ctx is not None:
            ctx.account = memory.account or None
        return ctx

    def _create(self, kind: Kind, planned: Values, approved: Values, report: Report) -> tuple[Values, str | None]:
        """The state, and the account to record."""
        report.doing = "create"
        arguments = plans.checked(kind, approved)
        ctx = self.session.context(kind.seconds(planned, "create"), report)
        ctx.null_entries = null_entries(kind.resource.arguments, kind.given(approved))
        earlier = {**arguments, **ctx.null_entries}
        ctx.keys = self.session.keys(kind.type_name, kind.identifying(arguments), kind.identifying(earlier))
        outcome = kind.lifecycle.create(arguments, ctx)
        # From here on a failure must not lose the object.
        report.kept = {
            "new_state": kind.block.write(states.barely(outcome.id, planned)),
            "new_identity": write_identity(outcome.id),
        }
        if outcome.unfinished and (outcome.cancelled or kind.lifecycle.unfinished(outcome.state)):
            # The user stopped, or the time ran out. The object is there and is waited for by the next apply; an error
            # would have it destroyed and made again instead.
            report.warn(f"{outcome.unfinished}. It is kept in the state, and the next apply goes on with it")
        elif outcome.unfinished:
            report.error(f"Cannot finish {kind.type_name}", outcome.unfinished)
        return states.after_change(kind, outcome.id, outcome.state, planned, report.warn), ctx.account

    def _update(
        self, kind: Kind, prior: Values, planned: Values, approved: Values, memory: Memory, report: Report
    ) -> tuple[Values, str | None]:
        """The state, and the account to record."""
        report.doing = "update"
        found = plans.changes(kind, prior, approved, memory, self._planning_context(memory, report))
        state = found.state
        if not (found.changed or kind.lifecycle.unfinished(state) or is_unknown(planned)):
            return planned, memory.account  # Terraform's own attributes alone: the API has nothing to do
        ctx = self.session.context(kind.seconds(planned, "update"), report)
        ctx.account = memory.account or None
        outcome = kind.lifecycle.update(kind.id(prior), found.args, state, found.changed, ctx)
        if outcome.unfinished:
            report.error(f"Cannot finish {kind.type_name}", outcome.unfinished)
            return states.after_read(kind, outcome.id, outcome.state, prior), ctx.account  # as far as it came
        return states.after_change(kind, outcome.id, outcome.state, planned, report.warn), ctx.account

    def _delete(self, kind: Kind, prior: Values | None, private: bytes, report: Report) -> None:
        report.doing = "destroy"
        if prior is not None:
            ctx = self.session.context(kind.seconds(prior, "delete"), report)
            ctx.account = account_in(private) or None
            kind.lifecycle.delete(kind.id(prior), kind.state(prior), ctx)

    def _note(self, kind: Kind, prior: Values | None, report: Report) -> None:
        """What the engine speaks of is in its state, secrets included."""
        report.hide(kind.secrets(prior))
        if prior is not None and isinstance(prior.get("id"), str):
            self.session.ledger.note(kind.type_name, str(prior["id"]))

    def _move(self, kind: Kind, prior: Values, *fields: str) -> None:
        """What is planned for an object; nothing once it is done."""
        self.session.moving.note(kind.resource.name, kind.id(prior), fields)

    def _move_to(self, kind: Kind, prior: Values, planned: Values) -> None:
        self._move(kind, prior, *(name for name, value in planned.items() if is_unknown(value)))


def _present(kind: Kind, value: pb.DynamicValue) -> Values:
    found = kind.block.read(value)
    if found is None:
        raise WireError("the engine sent null where an object belongs")
    return found
