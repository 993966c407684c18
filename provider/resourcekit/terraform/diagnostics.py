"""Diagnostics: errors and warnings, each with its attribute and without secrets."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from resourcekit.context import with_attribute
from resourcekit.error_texts import unexpected_error_text
from resourcekit.errors import CheckError, ResourceError
from resourcekit.redaction import TERRAFORM_PLACEHOLDER, Redactor
from resourcekit.terraform.cty.msgpack import WireError
from resourcekit.terraform.cty.types import CtyCollection, CtyObject, CtyTuple, CtyType
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb

Types = Mapping[str, CtyType]


class Diagnostics:
    """The diagnostics of one RPC.

    Attributes:
        text: Rewrites a declared text in this engine's spelling.
        subject: The resource type, data source type or action type that the RPC names.
        doing: The operation, if the RPC's name alone does not determine it ("create").
        types: The types of the attributes that paths go through.
        fallback_reply: Fields of the response if the rest of the RPC fails.
    """

    def __init__(self, text: Callable[[str], str] = str) -> None:
        self.text = text
        self.subject = ""
        self.doing = ""
        self.types: Types = {}
        self.fallback_reply: dict[str, Any] = {}
        self._secrets: list[str] = []
        self._hidden = Redactor()
        self.diagnostics: list[pb.Diagnostic] = []

    def set_subject(self, type_name: str, types: Types) -> None:
        """Set the type that the RPC names, and the types of its attributes."""
        self.subject, self.types = type_name, types

    def redact_values(self, values: Iterable[str]) -> None:
        """Mask these values in every later text."""
        self._secrets.extend(values)
        self._hidden = Redactor(self._secrets, TERRAFORM_PLACEHOLDER)

    def redact(self, text: str) -> str:
        """Return a text with the secrets masked."""
        return self._hidden.redact(text)

    @property
    def failed(self) -> bool:
        """Whether there is an error among the diagnostics."""
        return any(each.severity == pb.Diagnostic.ERROR for each in self.diagnostics)

    def error(self, summary: str, detail: str = "", path: str = "") -> None:
        """Add an error, which stops the run."""
        self._add(pb.Diagnostic.ERROR, summary, detail, path)

    def warn(self, text: str, attribute: str = "") -> None:
        """Add a warning.

        Args:
            text: The warning.
            attribute: The argument that it is about; empty for the whole resource.
        """
        self._add(pb.Diagnostic.WARNING, with_attribute(text, attribute), "", attribute)

    def add_exception(self, error: Exception, doing: str) -> None:
        """Add the errors that an exception stands for.

        Args:
            error: The exception.
            doing: The operation ("plan"), unless `self.doing` has another.
        """
        subject = f"Cannot {self.doing or doing} {self.subject}".rstrip()
        match error:
            case CheckError():
                for failure in error.failures:
                    self.error(_about(failure.property) or subject, failure.reason, failure.property)
            case ResourceError():
                self.error(subject, str(error), error.property)
            case WireError():
                self.error(subject, _wire_text(error), ".".join(map(str, error.path)))
            case _:
                self.error(subject, unexpected_error_text(error, f"the request to {doing}"))

    def _add(self, severity: pb.Diagnostic.Severity, summary: str, detail: str, path: str) -> None:
        steps = attribute_path(path, self.types)
        where = pb.AttributePath(steps=steps) if steps else None
        summary, detail = self.redact(self.text(summary)), self.redact(self.text(detail))
        self.diagnostics.append(pb.Diagnostic(severity=severity, summary=summary, detail=detail, attribute=where))


def attribute_path(path: str, types: Types) -> list[pb.AttributePath.Step]:
    """Return a path such as `variables.tenant.type` as the protocol's steps.

    The steps end at the first part that the types do not have.
    """
    steps: list[pb.AttributePath.Step] = []
    here: CtyType | None = CtyObject(types)
    for part in path.split(".") if path else ():
        match here:
            case CtyObject(attributes) if part in attributes:
                steps.append(pb.AttributePath.Step(attribute_name=part))
                here = attributes[part]
            case CtyCollection("map", item):
                steps.append(pb.AttributePath.Step(element_key_string=part))
                here = item
            case CtyCollection("list", item) if part.isdigit():
                steps.append(pb.AttributePath.Step(element_key_int=int(part)))
                here = item
            case CtyTuple(items) if part.isdigit() and int(part) < len(items):
                steps.append(pb.AttributePath.Step(element_key_int=int(part)))
                here = items[int(part)]
            case _:
                break
    return steps


def rpc_handler(
    reply: Callable[..., Any], doing: str, fallback: Callable[[Any], Mapping[str, Any]] = lambda _: {}
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wrap an RPC, so that the exceptions that it raises become diagnostics.

    The RPC is a method `method(self, request, report)` of an object with a `session`.

    Args:
        reply: The type of the response.
        doing: The operation, for the summary of an error ("plan").
        fallback: Returns the fields of the response to a failed request. An object's state must always be among them:
            a response without it would remove the object from the state.
    """

    def wrap(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(self: Any, request: Any, _context: Any) -> Any:
            report = Diagnostics(self.session.localize)
            try:
                response = method(self, request, report)
            except Exception as error:
                report.add_exception(error, doing)
                response = reply(**{**fallback(request), **report.fallback_reply})
            response.diagnostics.extend(report.diagnostics)
            return response

        return call

    return wrap


def streaming_rpc_handler(
    event: Callable[[list[pb.Diagnostic]], Any], doing: str
) -> Callable[[Callable[..., Iterator[Any]]], Callable[..., Iterator[Any]]]:
    """Wrap an RPC that returns a stream, as `rpc_handler` does.

    Args:
        event: Builds the event with diagnostics, which is sent last if there are any.
        doing: The operation, for the summary of an error ("list").
    """

    def wrap(method: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        @functools.wraps(method)
        def call(self: Any, request: Any, _context: Any) -> Iterator[Any]:
            report = Diagnostics(self.session.localize)
            try:
                yield from method(self, request, report)
            except Exception as error:
                report.add_exception(error, doing)
            if report.diagnostics:
                yield event(report.diagnostics)

        return call

    return wrap


def _about(property_: str) -> str:
    return f"Invalid value for {property_}" if property_ else ""


def _wire_text(error: WireError) -> str:
    return f"{'.'.join(map(str, error.path))}: {error.reason}" if error.path else error.reason
