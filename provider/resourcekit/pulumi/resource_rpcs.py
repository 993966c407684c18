"""The calls of a resource's life: bytes to plain values, lifecycle, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from resourcekit.errors import ResourceError
from resourcekit.lifecycle import Lifecycle
from resourcekit.planning.validate import null_entries, validate_declaration
from resourcekit.pulumi.casing import to_camel
from resourcekit.pulumi.diff_response import diff_response
from resourcekit.pulumi.numbers import rounded_numbers
from resourcekit.pulumi.properties import (
    Inputs,
    account_in,
    read_inputs,
    request_redactor,
    with_account,
    write_inputs,
    write_state,
)
from resourcekit.pulumi.property_path import IgnoredPaths, parse_all, to_declared
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.rpc_errors import InitFailedError, check_failures, rpc_handler
from resourcekit.pulumi.session import RpcGroup
from resourcekit.pulumi.stack_export import urn_type
from resourcekit.results import ApplyResult, Values
from resourcekit.unknown import UNKNOWN, contains_unknown


class ResourceRpcs(RpcGroup):
    """Check, Diff, Create, Update, Delete and Read of a package's resources."""

    @rpc_handler
    def Check(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type)
        inputs = read_inputs(lifecycle.resource.arguments, request.news)
        self.session.run.checked.add(request.urn)
        arguments = lifecycle.resource.arguments
        self.session.run.null_entries[request.urn] = null_entries(arguments, inputs.values)
        checked = validate_declaration(lifecycle.resource, inputs.values)
        rounded = rounded_numbers(arguments, inputs.values, read_inputs(arguments, request.olds).values)
        failures = check_failures(arguments, (*checked.failures, *rounded), inputs.secrets)
        if failures:
            self.session.failed.record(request.urn)
        checked_inputs = write_inputs(arguments, Inputs(checked.values, inputs.secrets))
        return pb.CheckResponse(inputs=checked_inputs, failures=failures)

    @rpc_handler
    def Diff(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        olds, old_inputs, news = self._three(lifecycle, request)
        ctx = self.session.preview_context(request, account_in(request.olds))
        ignored = _ignored(lifecycle, request)
        args = ignored.apply(news.values, olds.values, old_inputs.values)
        difference = lifecycle.diff(
            state=olds.values, old_inputs=old_inputs.values, news=args, ignore=ignored.names, ctx=ctx
        )
        plan = lifecycle.plan_changes(request.id, difference, args=args, state=olds.values, ctx=ctx)
        self.session.forced.record(request.urn, request.id, olds.values)
        run = self.session.run
        run.diffed.add(request.urn)
        if plan.replaces:
            run.replaced.add(request.urn)
        if request.urn not in run.checked:
            run.unknown[request.urn] = frozenset(
                to_camel(name) for name, value in news.values.items() if contains_unknown(value)
            )
        return diff_response(lifecycle.resource, difference, plan.replacement_triggers)

    @rpc_handler
    def Create(self, request: pb.CreateRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type)
        inputs = read_inputs(lifecycle.resource.arguments, request.properties)
        if request.preview:
            asking = self.session.preview_context(request)
            if asking is not None:
                self.session.forced.check_create(lifecycle, request.urn, inputs.values, asking)
            planned = lifecycle.preview_create(inputs.values, asking)
            return pb.CreateResponse(properties=self._written(lifecycle, planned, inputs, request))
        ctx = self.session.context(
            request,
            request.timeout or lifecycle.resource.timeouts.create,
            null_entries=self.session.run.null_entries.get(request.urn),
        )
        self.session.forced.check_create(lifecycle, request.urn, inputs.values, ctx)
        # Not before: keys may need the stack's state, which takes long to read.
        ctx = replace(ctx, idempotency_keys=self.session.keys(self._token(request.urn, request.type), request.urn))
        outcome = lifecycle.create(inputs.values, ctx)
        self.session.forced.record(request.urn, outcome.id, outcome.state)
        properties = self._finished(lifecycle, outcome, inputs, request)
        return pb.CreateResponse(id=outcome.id, properties=properties)

    @rpc_handler
    def Update(self, request: pb.UpdateRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        olds, old_inputs, news = self._three(lifecycle, request)
        ignored = _ignored(lifecycle, request)
        args = ignored.apply(news.values, olds.values, old_inputs.values)
        account = account_in(request.olds)
        asking = self.session.preview_context(request, account)
        changed = lifecycle.diff(
            state=olds.values,
            old_inputs=old_inputs.values,
            news=args,
            ignore=ignored.names,
            ctx=asking,
        ).changed
        if request.preview:
            planned = lifecycle.preview_update(args, olds.values, changed, asking)
            self.session.moving.record(
                lifecycle.resource.name, request.id, (n for n in planned if planned[n] is UNKNOWN)
            )
            return pb.UpdateResponse(properties=self._written(lifecycle, planned, news, request))
        ctx = self.session.context(request, request.timeout or lifecycle.resource.timeouts.update, account=account)
        self.session.moving.record(lifecycle.resource.name, request.id)
        outcome = lifecycle.update(request.id, args, olds.values, changed, ctx)
        return pb.UpdateResponse(properties=self._finished(lifecycle, outcome, news, request))

    @rpc_handler
    def Delete(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        state = read_inputs(lifecycle.resource.state, request.properties)
        seconds = request.timeout or lifecycle.resource.timeouts.delete
        ctx = self.session.context(request, seconds, account=account_in(request.properties))
        self.session.forced.check_delete(lifecycle, request.urn, request.id, state.values)
        lifecycle.ensure_not_protected(state.values, "delete")
        self.session.deletions.check_delete(request.urn)
        lifecycle.delete(request.id, state.values, ctx)
        return empty_pb2.Empty()

    @rpc_handler
    def Read(self, request: pb.ReadRequest, context: grpc.ServicerContext) -> Any:
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        state = read_inputs(lifecycle.resource.state, request.properties)
        inputs = read_inputs(lifecycle.resource.arguments, request.inputs)
        ctx = self.session.context(request, 300, account=account_in(request.properties))
        found = lifecycle.read(request.id, state.values, inputs.values, ctx)
        if found is None:
            return pb.ReadResponse()
        there = Inputs(found.inputs, state.secrets | inputs.secrets)
        return pb.ReadResponse(
            id=found.id,
            properties=with_account(self._written(lifecycle, found.state, there, request), found.account),
            inputs=write_inputs(lifecycle.resource.arguments, there),
        )

    def _lifecycle(self, urn: str, token: str, id: str = "") -> Lifecycle:
        """The lifecycle of a resource. id: the object's, which the stack's state then holds."""
        token = self._token(urn, token)
        lifecycles = self.session.lifecycles
        found = lifecycles.get(token)
        if found is None:
            raise ResourceError(f"this provider has no resource {token!r}; it has {', '.join(lifecycles)}")
        self.session.ledger.record_seen(token, id)
        return found

    def _token(self, urn: str, token: str) -> str:
        # Engines before 3.1xx leave `type` empty: it is the last but one part of the URN then.
        return token or urn_type(urn)

    def _three(self, lifecycle: Lifecycle, request: pb.DiffRequest | pb.UpdateRequest) -> tuple[Inputs, Inputs, Inputs]:
        """Old state, old inputs, new inputs."""
        arguments = lifecycle.resource.arguments
        return (
            read_inputs(lifecycle.resource.state, request.olds),
            read_inputs(arguments, request.old_inputs),
            read_inputs(arguments, request.news),
        )

    def _written(self, lifecycle: Lifecycle, state: Values, inputs: Inputs, request: Message) -> Any:
        """A state to answer with."""
        return write_state(lifecycle.resource.state, state, inputs.secrets, request_redactor(request))

    def _finished(self, lifecycle: Lifecycle, outcome: ApplyResult, inputs: Inputs, request: Message) -> Any:
        """The state to answer with; raises InitFailed when the object is there but not complete."""
        properties = with_account(self._written(lifecycle, outcome.state, inputs, request), outcome.account)
        if outcome.incomplete_reason:
            sent = write_inputs(lifecycle.resource.arguments, inputs)
            raise InitFailedError(outcome.id, properties, sent, outcome.incomplete_reason)
        return properties


def _ignored(lifecycle: Lifecycle, request: pb.DiffRequest | pb.UpdateRequest) -> IgnoredPaths:
    arguments = lifecycle.resource.arguments
    return IgnoredPaths([to_declared(path, arguments) for path in parse_all(request.ignoreChanges)], arguments)
