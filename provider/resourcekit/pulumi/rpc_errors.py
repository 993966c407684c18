"""Outcomes and failures as the engine wants them: statuses, init failures, check failures."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterable, Set
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import any_pb2, struct_pb2
from google.protobuf.message import Message
from pydantic import BaseModel

from resourcekit.errors import CheckError, CheckFailure, ResourceError
from resourcekit.field_types import ObjectType
from resourcekit.plugin.logging import stack_locations
from resourcekit.pulumi.casing import camel_path, camelize_code_spans
from resourcekit.pulumi.properties import request_redactor
from resourcekit.pulumi.protocol import errors_pb2, status_pb2
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.redaction import Redactor

log = logging.getLogger(__name__)
ReplyT = TypeVar("ReplyT")
_DETAILS = "grpc-status-details-bin"
_HEAD = re.compile(r"[.\[]")


class InitFailedError(Exception):
    """The object exists but is not complete: the engine keeps id and state, and runs Update the next time."""

    def __init__(self, id: str, properties: struct_pb2.Struct, inputs: struct_pb2.Struct, reason: str) -> None:
        super().__init__(reason)
        self.id = id
        self.properties = properties
        self.inputs = inputs


class InvalidInputsError(Exception):
    """A component's inputs break rules; nothing has been registered.

    secrets: the property names that hold secrets.
    """

    def __init__(self, model: type[BaseModel], failures: Iterable[CheckFailure], secrets: Set[str]) -> None:
        found = check_failures(model, failures, secrets)
        told = "; ".join(each.reason for each in found if not each.property)
        super().__init__(f"invalid inputs: {told}" if told else "invalid inputs")
        self.detail = errors_pb2.InputPropertiesError(
            errors=[
                errors_pb2.InputPropertiesError.PropertyError(property_path=each.property, reason=each.reason)
                for each in found
                if each.property
            ]
        )


def check_failures(
    model: type[BaseModel], failures: Iterable[CheckFailure], secrets: Set[str] = frozenset()
) -> list[pb.CheckFailure]:
    """Failures with this engine's property paths and spelling.

    secrets: the property names that hold secrets. The engine prints the value at each path that it is told, marked or
    not: of these the text has the path instead.
    """

    def told(failure: CheckFailure) -> pb.CheckFailure:
        path, reason = camel_path(failure.property, ObjectType(model)), camelize_code_spans(failure.reason)
        if _HEAD.split(path, maxsplit=1)[0] in secrets:
            return pb.CheckFailure(reason=f"{path}: {reason}")
        return pb.CheckFailure(property=path, reason=reason)

    return [told(failure) for failure in failures]


def error_text(error: ResourceError) -> str:
    """One text for people: every failure with its property."""
    if isinstance(error, CheckError):
        return "; ".join(_with_property(failure.property, failure.reason) for failure in error.failures)
    return _with_property(error.property, str(error))


def _with_property(path: str, text: str) -> str:
    return f"{camel_path(path)}: {camelize_code_spans(text)}" if path else camelize_code_spans(text)


def internal_error_text(error: Exception, operation: str, log_variable: str) -> str:
    """What is told of an exception that nobody foresaw."""
    return (
        f"internal error in the provider during {operation} ({type(error).__name__}). Nothing more is known to have "
        f"happened. Run it with {log_variable}=debug in the environment and --debug to see where it was, and please "
        "report the provider's own lines: the engine's may show secrets"
    )


def rpc_handler(method: Callable[..., ReplyT]) -> Callable[..., ReplyT]:
    """Wrap one RPC: whatever it raises becomes a status with a text for people, never a traceback or a secret.

    Exceptions that nobody foresaw could carry a secret in their text, so only their type is told; where they were
    raised goes to the log.
    """

    def run(self: Any, request: Any, context: grpc.ServicerContext) -> ReplyT:
        try:
            return method(self, request, context)
        except Exception:
            self.session.failed.record(getattr(request, "urn", ""))
            raise

    @functools.wraps(method)
    def told(self: Any, request: Any, context: grpc.ServicerContext) -> ReplyT:
        try:
            return run(self, request, context)
        except InitFailedError as failed:
            _abort_init_failed(context, failed, request_redactor(request))
        except InvalidInputsError as invalid:
            _abort_with(context, grpc.StatusCode.INVALID_ARGUMENT, invalid.detail, str(invalid))
        except ResourceError as error:
            text = error_text(error)
        except NotImplementedError:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method.__name__} is not offered by this provider")
        except Exception as error:
            log.error("internal error in %s: %s at %s", method.__name__, type(error).__name__, stack_locations(error))
            text = internal_error_text(error, method.__name__, self.package.log_variable)
        context.abort(grpc.StatusCode.UNKNOWN, request_redactor(request).redact(text))

    return told


def _abort_init_failed(context: grpc.ServicerContext, failed: InitFailedError, hidden: Redactor) -> NoReturn:
    reason = hidden.redact(camelize_code_spans(str(failed)))
    detail = pb.ErrorResourceInitFailed(
        id=failed.id, properties=failed.properties, inputs=failed.inputs, reasons=[reason]
    )
    _abort_with(context, grpc.StatusCode.UNKNOWN, detail, reason)


def _abort_with(context: grpc.ServicerContext, code: grpc.StatusCode, detail: Message, text: str) -> NoReturn:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status = status_pb2.Status(code=code.value[0], message=text)
    status.details.append(packed)
    context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
    context.abort(code, text)
