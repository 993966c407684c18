"""Check, Diff, Create, Update, Delete and Read: the RPCs of resources. They convert values and call the lifecycle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from resourcekit.errors import ResourceError
from resourcekit.lifecycle import Lifecycle
from resourcekit.planning.validate import null_entries
from resourcekit.pulumi.autonaming import Autonaming, Mode, validate_with_names
from resourcekit.pulumi.casing import to_camel
from resourcekit.pulumi.diff_response import diff_response
from resourcekit.pulumi.numbers import rounded_numbers
from resourcekit.pulumi.properties import (
    Inputs,
    account_in,
    read_inputs,
    read_state,
    request_redactor,
    with_marks,
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

_INCOMPLETE: Final = "an earlier run stopped waiting for it, and it is not complete yet: `pulumi up` resumes the wait"


class ResourceRpcs(RpcGroup):
    """The RPCs of a package's resources."""

    @rpc_handler
    def Check(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> Any:
        """Validate the inputs of a resource."""
        lifecycle = self._lifecycle(request.urn, request.type)
        inputs = read_inputs(lifecycle.resource.arguments, request.news)
        self.session.run.checked.add(request.urn)
        arguments = lifecycle.resource.arguments
        self.session.run.null_entries[request.urn] = null_entries(arguments, inputs.values)
        olds = read_inputs(arguments, request.olds).values
        checked = validate_with_names(lifecycle.resource, inputs.values, olds, _autonaming(request))
        rounded = rounded_numbers(arguments, inputs.values, olds)
        failures = check_failures(arguments, (*checked.failures, *rounded), inputs.secrets)
        if failures:
            self.session.failed.record(request.urn)
        checked_inputs = write_inputs(arguments, Inputs(checked.values, inputs.secrets))
        return pb.CheckResponse(inputs=checked_inputs, failures=failures)

    @rpc_handler
    def Diff(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> Any:
        """Compare the new inputs with the state."""
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        olds, old_inputs, news = self._read_values(lifecycle, request)
        ctx = self.session.preview_context(request, account_in(request.olds))
        ignored = _ignored(lifecycle, request)
        args = ignored.apply(news.values, olds.values, old_inputs.values)
        difference = lifecycle.diff(
            state=olds.values, old_inputs=old_inputs.values, news=args, ignore=ignored.names, ctx=ctx
        )
        plan = lifecycle.plan_changes(
            request.id, difference, args=args, state=olds.values, ctx=ctx, ignore=ignored.names
        )
        self.session.replacements.record(request.urn, request.id, olds.values)
        run = self.session.run
        run.diffed[request.urn] = request.id
        if plan.replaces:
            run.replaced.add(request.urn)
        if request.urn not in run.checked:
            run.unknown[request.urn] = frozenset(
                to_camel(name) for name, value in news.values.items() if contains_unknown(value)
            )
        return diff_response(lifecycle.resource, difference, plan.replacement_triggers)

    @rpc_handler
    def Create(self, request: pb.CreateRequest, context: grpc.ServicerContext) -> Any:
        """Create an object, or preview that."""
        lifecycle = self._lifecycle(request.urn, request.type)
        inputs = read_inputs(lifecycle.resource.arguments, request.properties)
        if request.preview:
            preview_ctx = self.session.preview_context(request)
            if preview_ctx is not None:
                self.session.replacements.check_create(lifecycle, request.urn, inputs.values, preview_ctx)
            planned = lifecycle.preview_create(inputs.values, preview_ctx)
            return pb.CreateResponse(properties=self._write_state(lifecycle, planned, inputs, request))
        ctx = self.session.context(
            request,
            request.timeout or lifecycle.resource.timeouts.create,
            null_entries=self.session.run.null_entries.get(request.urn),
        )
        self.session.replacements.check_create(lifecycle, request.urn, inputs.values, ctx)
        # After the check: the keys may need the stack's state, which is slow to read.
        keys = self.session.idempotency_keys(self._token(request.urn, request.type), request.urn)
        created = lifecycle.create(inputs.values, replace(ctx, idempotency_keys=keys))
        self.session.replacements.record(request.urn, created.id, created.state)
        properties = self._write_result(lifecycle, created, inputs, request)
        return pb.CreateResponse(id=created.id, properties=properties)

    @rpc_handler
    def Update(self, request: pb.UpdateRequest, context: grpc.ServicerContext) -> Any:
        """Update an object in place, or preview that."""
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        olds, old_inputs, news = self._read_values(lifecycle, request)
        ignored = _ignored(lifecycle, request)
        args = ignored.apply(news.values, olds.values, old_inputs.values)
        account = account_in(request.olds)
        preview_ctx = self.session.preview_context(request, account)
        changed = lifecycle.diff(
            state=olds.values,
            old_inputs=old_inputs.values,
            news=args,
            ignore=ignored.names,
            ctx=preview_ctx,
        ).changed
        if request.preview:
            planned = lifecycle.preview_update(args, olds.values, changed, preview_ctx)
            unknown = (name for name, value in planned.items() if value is UNKNOWN)
            self.session.pending_changes.record(lifecycle.resource.name, request.id, unknown)
            return pb.UpdateResponse(properties=self._write_state(lifecycle, planned, news, request))
        ctx = self.session.context(request, request.timeout or lifecycle.resource.timeouts.update, account=account)
        self.session.pending_changes.record(lifecycle.resource.name, request.id)
        updated = lifecycle.update(request.id, args, olds.values, changed, ctx)
        return pb.UpdateResponse(properties=self._write_result(lifecycle, updated, news, request))

    @rpc_handler
    def Delete(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> Any:
        """Delete an object unless it is protected."""
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        state = read_state(lifecycle.resource, request.properties)
        seconds = request.timeout or lifecycle.resource.timeouts.delete
        ctx = self.session.context(request, seconds, account=account_in(request.properties))
        self.session.replacements.check_delete(lifecycle, request.urn, request.id, state.values)
        lifecycle.ensure_not_protected(state.values, "delete")
        self.session.deletions.check_delete(request.urn)
        lifecycle.delete(request.id, state.values, ctx)
        return empty_pb2.Empty()

    @rpc_handler
    def Read(self, request: pb.ReadRequest, context: grpc.ServicerContext) -> Any:
        """Read an object, for a refresh or an import."""
        lifecycle = self._lifecycle(request.urn, request.type, request.id)
        state = read_state(lifecycle.resource, request.properties)
        inputs = read_inputs(lifecycle.resource.arguments, request.inputs)
        seconds = request.timeout or lifecycle.resource.timeouts.read
        ctx = self.session.context(request, seconds, account=account_in(request.properties))
        result = lifecycle.read(request.id, state.values, inputs.values, ctx)
        if result is None:
            return pb.ReadResponse()
        new_inputs = Inputs(result.inputs, state.secrets | inputs.secrets)
        properties = self._write_state(lifecycle, result.state, new_inputs, request)
        with_marks(lifecycle.resource, properties, result.account)
        written_inputs = write_inputs(lifecycle.resource.arguments, new_inputs)
        if state.values and lifecycle.is_incomplete(result.state):
            # The engine calls Update, which resumes the wait, only for an object that is not initialized.
            raise InitFailedError(result.id, properties, written_inputs, _INCOMPLETE, failed=False)
        return pb.ReadResponse(id=result.id, properties=properties, inputs=written_inputs)

    def _lifecycle(self, urn: str, token: str, id: str = "") -> Lifecycle:
        """Return the lifecycle of a resource.

        Args:
            urn: The resource's URN.
            token: The resource's type.
            id: The object's id, if the stack's state contains the object.
        """
        token = self._token(urn, token)
        lifecycles = self.session.lifecycles
        lifecycle = lifecycles.get(token)
        if lifecycle is None:
            raise ResourceError(f"this provider has no resource {token!r}; expected one of {', '.join(lifecycles)}")
        self.session.ownership.record_seen(token, id)
        return lifecycle

    def _token(self, urn: str, token: str) -> str:
        # Engines before 3.1xx leave `type` empty. Then the last but one part of the URN is the type.
        return token or urn_type(urn)

    def _read_values(
        self, lifecycle: Lifecycle, request: pb.DiffRequest | pb.UpdateRequest
    ) -> tuple[Inputs, Inputs, Inputs]:
        """Return the state, the old inputs and the new inputs of a request."""
        arguments = lifecycle.resource.arguments
        return (
            read_state(lifecycle.resource, request.olds),
            read_inputs(arguments, request.old_inputs),
            read_inputs(arguments, request.news),
        )

    def _write_state(self, lifecycle: Lifecycle, state: Values, inputs: Inputs, request: Message) -> Any:
        """Return the properties of a state, with every value marked secret that is secret in the request."""
        return write_state(lifecycle.resource.state, state, inputs.secrets, request_redactor(request))

    def _write_result(self, lifecycle: Lifecycle, result: ApplyResult, inputs: Inputs, request: Message) -> Any:
        """Return the properties of the state after a create or an update.

        Raises:
            InitFailedError: The object exists but is not complete.
        """
        properties = self._write_state(lifecycle, result.state, inputs, request)
        with_marks(lifecycle.resource, properties, result.account)
        if result.incomplete_reason:
            written_inputs = write_inputs(lifecycle.resource.arguments, inputs)
            raise InitFailedError(result.id, properties, written_inputs, result.incomplete_reason)
        return properties


def _autonaming(request: pb.CheckRequest) -> Autonaming:
    """Return how to generate the resource's name. Engines before 3.1xx leave `name` empty."""
    options = request.autonaming
    name = request.name or request.urn.rpartition("::")[2]
    return Autonaming(name, request.randomSeed, options.proposed_name, Mode(options.mode))


def _ignored(lifecycle: Lifecycle, request: pb.DiffRequest | pb.UpdateRequest) -> IgnoredPaths:
    arguments = lifecycle.resource.arguments
    return IgnoredPaths([to_declared(path, arguments) for path in parse_all(request.ignoreChanges)], arguments)
