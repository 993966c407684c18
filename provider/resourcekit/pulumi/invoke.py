"""Invoke: the RPC that calls a function."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import grpc

from resourcekit.error_texts import explained_by
from resourcekit.errors import ResourceError
from resourcekit.planning.check import check_declared
from resourcekit.pulumi.names import camel
from resourcekit.pulumi.numbers import rounded_numbers
from resourcekit.pulumi.properties import hidden_in, read_inputs, write_state
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.replies import check_failures, explained
from resourcekit.pulumi.session import Family
from resourcekit.resource import Function
from resourcekit.results import Values


class InvokeRpcs(Family):
    """The RPC of functions."""

    @cached_property
    def _functions(self) -> dict[str, Function[Any, Any, Any]]:
        return {f"{self.package.name}:index:{camel(each.name)}": each for each in self.package.functions}

    @explained
    def Invoke(self, request: pb.InvokeRequest, context: grpc.ServicerContext) -> Any:
        function = self._functions.get(request.tok)
        if function is None:
            raise ResourceError(f"this provider has no function {request.tok!r}")
        inputs = read_inputs(function.arguments, request.args)
        checked = check_declared(function, inputs.values)
        problems = [*checked.failures, *rounded_numbers(function.arguments, inputs.values)]
        if problems:
            return pb.InvokeResponse(failures=check_failures(function.arguments, problems, inputs.secrets))
        result = self._call(function, checked.values, request)
        reply = {"return": write_state(function.result, result, frozenset(), hidden_in(request))}
        return pb.InvokeResponse(**reply)  # type: ignore[arg-type]  # `return` is a keyword in Python

    def _call(self, function: Function[Any, Any, Any], values: dict[str, Any], request: pb.InvokeRequest) -> Values:
        ctx = self.session.context(request, 120)
        typed = function.arguments.model_validate(values)
        result = explained_by(self.package, lambda: function.call(typed, ctx))
        return dict(result.model_dump(mode="json"))
