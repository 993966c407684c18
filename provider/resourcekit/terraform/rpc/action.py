"""ValidateActionConfig, PlanAction and InvokeAction."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from resourcekit.terraform.data_source_type import LoadTypes, find_data_source
from resourcekit.terraform.diagnostics import Diagnostics, rpc_handler, streaming_rpc_handler
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import TerraformSession


class ActionRpcs:
    """RPCs of actions."""

    def __init__(self, session: TerraformSession, types: LoadTypes) -> None:
        self.session = session
        self._types = types

    @rpc_handler(pb.ValidateActionConfig.Response, "validate")
    def ValidateActionConfig(self, request: pb.ValidateActionConfig.Request, report: Diagnostics) -> Any:
        """Check the configuration of an action."""
        action = find_data_source(self._types, request.action_type)
        report.set_subject(request.action_type, action.block.types)
        action.arguments(request.config, validating=True)
        return pb.ValidateActionConfig.Response()

    @rpc_handler(pb.PlanAction.Response, "plan")
    def PlanAction(self, request: pb.PlanAction.Request, report: Diagnostics) -> Any:
        """Check the configuration of an action again, with the values that the plan knows."""
        action = find_data_source(self._types, request.action_type)
        report.set_subject(request.action_type, action.block.types)
        action.arguments(request.config)
        return pb.PlanAction.Response()

    @streaming_rpc_handler(
        lambda messages: pb.InvokeAction.Event(completed=pb.InvokeAction.Event.Completed(diagnostics=messages)),
        "invoke",
    )
    def InvokeAction(self, request: pb.InvokeAction.Request, report: Diagnostics) -> Iterator[Any]:
        """Run an action, and yield its progress messages and its completion."""
        action = find_data_source(self._types, request.action_type)
        report.set_subject(request.action_type, action.block.types)
        _, arguments = action.arguments(request.config)
        ctx = self.session.context(action.declaration.time_limit(arguments), report)
        for text in stream_progress(
            lambda progress: action.read(self.session, arguments, replace(ctx, progress=progress))
        ):
            yield pb.InvokeAction.Event(progress=pb.InvokeAction.Event.Progress(message=text))
        if not report.diagnostics:
            yield pb.InvokeAction.Event(completed=pb.InvokeAction.Event.Completed())


def stream_progress(work: Callable[[Callable[[str], None]], Any]) -> Iterator[str]:
    """Yield each progress message of `work` when `work` sends it. An exception of `work` comes after its messages."""
    messages: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    with ThreadPoolExecutor(1, "action") as executor:
        future = executor.submit(work, messages.put)
        future.add_done_callback(lambda _: messages.put(None))
        yield from iter(messages.get, None)
        future.result()
