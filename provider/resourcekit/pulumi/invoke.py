"""Invoke: the RPC that calls a function."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import grpc

from resourcekit.error_texts import translate_errors
from resourcekit.errors import ResourceError
from resourcekit.planning.validate import validate_declaration
from resourcekit.pulumi.casing import to_camel
from resourcekit.pulumi.numbers import rounded_numbers
from resourcekit.pulumi.properties import read_inputs, request_redactor, write_state
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.rpc_errors import check_failures, rpc_handler
from resourcekit.pulumi.session import RpcGroup
from resourcekit.resource import DataSource
from resourcekit.results import Values

# The engine accepts no unknown values from a function, so the results are null.
_NOT_RUN: Final = (
    "`{}` is not run in a preview, because a call may change something or counts against a limit: its results are null "
    "here, and known in the update"
)


class InvokeRpcs(RpcGroup):
    """The RPC of a package's functions."""

    @cached_property
    def _functions(self) -> dict[str, DataSource[Any, Any, Any]]:
        return {f"{self.package.name}:index:{to_camel(each.name)}": each for each in self.package.called_functions}

    @rpc_handler
    def Invoke(self, request: pb.InvokeRequest, context: grpc.ServicerContext) -> Any:
        """Call a function and return its result, or the failures of its arguments."""
        function = self._functions.get(request.tok)
        if function is None:
            raise ResourceError(f"this provider has no function {request.tok!r}")
        inputs = read_inputs(function.arguments, request.args)
        checked = validate_declaration(function, inputs.values)
        problems = [*checked.failures, *rounded_numbers(function.arguments, inputs.values)]
        if problems:
            return pb.InvokeResponse(failures=check_failures(function.arguments, problems, inputs.secrets))
        if request.preview and (not function.runs_in_preview or self.package.is_only_action(function)):
            self.session.engine.info("", _NOT_RUN.format(to_camel(function.name)))
            return pb.InvokeResponse()
        result = self._call(function, checked.values, request)
        reply = {"return": write_state(function.result, result, frozenset(), request_redactor(request))}
        return pb.InvokeResponse(**reply)  # type: ignore[arg-type]  # `return` is a keyword in Python

    def _call(self, function: DataSource[Any, Any, Any], values: dict[str, Any], request: pb.InvokeRequest) -> Values:
        ctx = self.session.context(request, function.time_limit(values))
        typed = function.arguments.model_validate(values)
        result = translate_errors(self.package, lambda: function.call(typed, ctx))
        return dict(result.model_dump(mode="json"))
