"""Data sources, ephemeral resources and actions: functions that ask the API."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from resourcekit.context import Context
from resourcekit.error_texts import explained_by
from resourcekit.errors import CheckFailed
from resourcekit.planning.check import check_declared, with_unknown_references
from resourcekit.resource import Function
from resourcekit.terraform.blocks import Block, Values
from resourcekit.terraform.diagnostics import Report, answered, streamed
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import Session
from resourcekit.terraform.values import WireError
from resourcekit.terraform.writing import wire

_SECONDS = 120


class Question:
    """A function beside its block."""

    def __init__(self, function: Function[Any, Any, Any], block: Block) -> None:
        self.function = function
        self.block = block

    def arguments(self, config: pb.DynamicValue, *, validating: bool = False) -> tuple[Values, dict[str, Any]]:
        """The wire values and the arguments in normal form. Raises CheckFailed, WireError.

        validating: before any plan, when references may hold values that `mock_provider` made up.
        """
        values = self.block.read(config)
        if values is None:
            raise WireError("the engine sent null where an object belongs")
        names = self.function.arguments.model_fields
        given = {name: self.block.plain(values, name) for name in names}
        if validating:
            given = with_unknown_references(self.function.arguments, given)
        checked = check_declared(self.function, given)
        if checked.failures:
            raise CheckFailed(checked.failures)
        return values, checked.values

    def answer(self, session: Session, arguments: Mapping[str, Any], ctx: Context[Any]) -> dict[str, Any]:
        """The result as plain values. Raises ResourceError."""
        typed = self.function.arguments.model_validate(arguments)
        found = explained_by(session.package, lambda: self.function.call(typed, ctx))
        result: dict[str, Any] = found.model_dump(mode="json")
        return result


# Most programs ask nothing: what there is to ask is loaded with the first question.
ByName = Callable[[], Mapping[str, Question]]


class Questions:
    """The calls of data sources and ephemeral resources."""

    def __init__(self, session: Session, sources: ByName, ephemerals: ByName) -> None:
        self.session = session
        self.sources = sources
        self.ephemerals = ephemerals

    @answered(pb.ValidateDataResourceConfig.Response, "validate")
    def ValidateDataResourceConfig(self, request: pb.ValidateDataResourceConfig.Request, report: Report) -> Any:
        _question(self.sources, request.type_name, report).arguments(request.config, validating=True)
        return pb.ValidateDataResourceConfig.Response()

    @answered(pb.ReadDataSource.Response, "read")
    def ReadDataSource(self, request: pb.ReadDataSource.Request, report: Report) -> Any:
        return pb.ReadDataSource.Response(state=self._ask(self.sources, request, report))

    @answered(pb.ValidateEphemeralResourceConfig.Response, "validate")
    def ValidateEphemeralResourceConfig(
        self, request: pb.ValidateEphemeralResourceConfig.Request, report: Report
    ) -> Any:
        _question(self.ephemerals, request.type_name, report).arguments(request.config, validating=True)
        return pb.ValidateEphemeralResourceConfig.Response()

    @answered(pb.OpenEphemeralResource.Response, "open")
    def OpenEphemeralResource(self, request: pb.OpenEphemeralResource.Request, report: Report) -> Any:
        return pb.OpenEphemeralResource.Response(result=self._ask(self.ephemerals, request, report))

    @answered(pb.RenewEphemeralResource.Response, "renew")
    def RenewEphemeralResource(self, _request: pb.RenewEphemeralResource.Request, _report: Report) -> Any:
        return pb.RenewEphemeralResource.Response()

    @answered(pb.CloseEphemeralResource.Response, "close")
    def CloseEphemeralResource(self, _request: pb.CloseEphemeralResource.Request, _report: Report) -> Any:
        return pb.CloseEphemeralResource.Response()

    def _ask(self, questions: ByName, request: Any, report: Report) -> pb.DynamicValue:
        question = _question(questions, request.type_name, report)
        values, arguments = question.arguments(request.config)
        found = question.answer(self.session, arguments, self.session.context(_SECONDS, report))
        kept = {
            name: values[name] if values.get(name) is not None else wire(type_, found.get(name))
            for name, type_ in question.block.types.items()
        }
        return question.block.write(kept)


class Actions:
    """The calls of actions."""

    def __init__(self, session: Session, actions: ByName) -> None:
        self.session = session
        self.actions = actions

    @answered(pb.ValidateActionConfig.Response, "validate")
    def ValidateActionConfig(self, request: pb.ValidateActionConfig.Request, report: Report) -> Any:
        _question(self.actions, request.action_type, report).arguments(request.config, validating=True)
        return pb.ValidateActionConfig.Response()

    @answered(pb.PlanAction.Response, "plan")
    def PlanAction(self, request: pb.PlanAction.Request, report: Report) -> Any:
        _question(self.actions, request.action_type, report).arguments(request.config)
        return pb.PlanAction.Response()

    @streamed(
        lambda found: pb.InvokeAction.Event(completed=pb.InvokeAction.Event.Completed(diagnostics=found)), "invoke"
    )
    def InvokeAction(self, request: pb.InvokeAction.Request, report: Report) -> Iterator[Any]:
        question = _question(self.actions, request.action_type, report)
        _, arguments = question.arguments(request.config)
        ctx = self.session.context(_SECONDS, report)
        for text in told_while(lambda say: question.answer(self.session, arguments, replace(ctx, progress=say))):
            yield pb.InvokeAction.Event(progress=pb.InvokeAction.Event.Progress(message=text))
        if not report.diagnostics:
            yield pb.InvokeAction.Event(completed=pb.InvokeAction.Event.Completed())


def told_while(work: Callable[[Callable[[str], None]], Any]) -> Iterator[str]:
    """What the work says, as soon as it says it. Raises what it raises."""
    told: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    with ThreadPoolExecutor(1, "action") as thread:
        working = thread.submit(work, told.put)
        working.add_done_callback(lambda _: told.put(None))
        yield from iter(told.get, None)
        working.result()


def _question(questions: ByName, type_name: str, report: Report) -> Question:
    found = questions().get(type_name)
    if found is None:
        raise WireError(f"this provider has no {type_name!r}; it has {', '.join(questions())}")
    report.subject, report.types = type_name, found.block.types
    return found
