"""What people are told: errors and warnings with the attribute that they are about, and nothing that is secret."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from resourcekit.context import with_attribute
from resourcekit.errors import CheckError, ResourceError
from resourcekit.plugin.logging import stack_locations
from resourcekit.redaction import TERRAFORM_PLACEHOLDER, Redactor
from resourcekit.terraform.cty.msgpack import WireError
from resourcekit.terraform.cty.types import CtyCollection, CtyObject, CtyTuple, CtyType
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb

log = logging.getLogger(__name__)
Types = Mapping[str, CtyType]


class Diagnostics:
    """The diagnostics of one call.

    subject: what the call is about. doing: what it is for, where the call's name does not tell. types: of the
    attributes that paths go through. kept: fields of the reply should the rest of the call fail. text: gives a declared
    text in this engine's words.
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
        """Name what the call is about, and the types that paths of its diagnostics go through."""
        self.subject, self.types = type_name, types

    def redact_values(self, values: Iterable[str]) -> None:
        """Keep these out of every text."""
        self._secrets.extend(values)
        self._hidden = Redactor(self._secrets, TERRAFORM_PLACEHOLDER)

    def redact(self, text: str) -> str:
        """The text as people may see it."""
        return self._hidden.redact(text)

    @property
    def failed(self) -> bool:
        """Whether there is an error among them."""
        return any(each.severity == pb.Diagnostic.ERROR for each in self.diagnostics)

    def error(self, summary: str, detail: str = "", path: str = "") -> None:
        """Something that stops the run."""
        self._add(pb.Diagnostic.ERROR, summary, detail, path)

    def warn(self, text: str, attribute: str = "") -> None:
        """Something to know. attribute: the argument that it is about; empty: the whole."""
        self._add(pb.Diagnostic.WARNING, with_attribute(text, attribute), "", attribute)

    def add_exception(self, error: Exception, doing: str) -> None:
        """An exception in words. doing: what the call was for ("plan")."""
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
                # A text that nobody foresaw could hold a secret: it goes nowhere, not even to the log.
                log.error(
                    "unforeseen %s while asked to %s",
                    type(error).__name__,
                    doing,
                    extra={"trace": stack_locations(error)},
                )
                self.error(subject, f"internal error ({type(error).__name__}); please report it with the log")

    def _add(self, severity: pb.Diagnostic.Severity, summary: str, detail: str, path: str) -> None:
        steps = attribute_path(path, self.types)
        where = pb.AttributePath(steps=steps) if steps else None
        summary, detail = self.redact(self.text(summary)), self.redact(self.text(detail))
        self.diagnostics.append(pb.Diagnostic(severity=severity, summary=summary, detail=detail, attribute=where))


def attribute_path(path: str, types: Types) -> list[pb.AttributePath.Step]:
    """`variables.tenant.type` as steps through the types; it ends where the types know no further."""
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
    reply: Callable[..., Any], doing: str, kept: Callable[[Any], Mapping[str, Any]] = lambda _: {}
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wrap one RPC, `method(self, request, report)` of an object with a `session`: what it raises becomes diagnostics.

    kept: fields of the reply to a failed request; what stands for an object's state must never be left out.
    """

    def wrap(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(self: Any, request: Any, _context: Any) -> Any:
            report = Diagnostics(self.session.localize)
            try:
                answer = method(self, request, report)
            except Exception as error:
                report.add_exception(error, doing)
                answer = reply(**{**kept(request), **report.fallback_reply})
            answer.diagnostics.extend(report.diagnostics)
            return answer

        return call

    return wrap


def streaming_rpc_handler(
    event: Callable[[list[pb.Diagnostic]], Any], doing: str
) -> Callable[[Callable[..., Iterator[Any]]], Callable[..., Iterator[Any]]]:
    """`answered` for a stream. event: the one that carries diagnostics, sent last where there are any."""

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
