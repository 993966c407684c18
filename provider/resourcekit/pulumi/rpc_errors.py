"""Convert exceptions to the engine's forms: gRPC statuses, init failures and check failures."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Set
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
    """The object exists but is not complete. The engine stores its id and state; the next run reads it and updates it.

    Args:
        id: The object's id.
        properties: The object's state.
        inputs: The object's inputs.
        reason: Why it is not complete.
        failed: Whether the call failed. False: the engine goes on with the object.
    """

    def __init__(
        self, id: str, properties: struct_pb2.Struct, inputs: struct_pb2.Struct, reason: str, *, failed: bool = True
    ) -> None:
        super().__init__(reason)
        self.failed = failed
        self.id = id
        self.properties = properties
        self.inputs = inputs


class InvalidInputsError(Exception):
    """A component's inputs break rules. Nothing has been registered.

    Args:
        model: The model of the inputs.
        failures: The broken rules.
        secrets: The names of the secret properties.
    """

    def __init__(self, model: type[BaseModel], failures: Iterable[CheckFailure], secrets: Set[str]) -> None:
        converted = check_failures(model, failures, secrets)
        reasons = "; ".join(each.reason for each in converted if not each.property)
        super().__init__(f"invalid inputs: {reasons}" if reasons else "invalid inputs")
        self.detail = errors_pb2.InputPropertiesError(
            errors=[
                errors_pb2.InputPropertiesError.PropertyError(property_path=each.property, reason=each.reason)
                for each in converted
                if each.property
            ]
        )


def check_failures(
    model: type[BaseModel], failures: Iterable[CheckFailure], secrets: Set[str] = frozenset()
) -> list[pb.CheckFailure]:
    """Convert failures to the engine's form, with Pulumi's paths and spelling.

    Args:
        model: The model of the values.
        failures: The failures.
        secrets: The names of the secret properties. The engine prints the value at the path of a failure even if it is
            secret, so a failure of a secret property has its path in the text instead.
    """

    def convert(failure: CheckFailure) -> pb.CheckFailure:
        path, reason = camel_path(failure.property, ObjectType(model)), camelize_code_spans(failure.reason)
        if _HEAD.split(path, maxsplit=1)[0] in secrets:
            return pb.CheckFailure(reason=f"{path}: {reason}")
        return pb.CheckFailure(property=path, reason=reason)

    return [convert(failure) for failure in failures]


def error_text(error: ResourceError) -> str:
    """Return one text for users, with every failure and its property."""
    if isinstance(error, CheckError):
        return "; ".join(_with_property(failure.property, failure.reason) for failure in error.failures)
    return _with_property(error.property, str(error))


def _with_property(path: str, text: str) -> str:
    return f"{camel_path(path)}: {camelize_code_spans(text)}" if path else camelize_code_spans(text)


def internal_error_text(error: Exception, operation: str, log_variable: str) -> str:
    """Return the message for an unexpected exception. It contains the exception's type only."""
    return (
        f"internal error in the provider during {operation} ({type(error).__name__}). To find the cause, run the "
        f"command again with {log_variable}=debug in the environment and the option --debug. Please report the "
        "provider's own log lines; the engine's lines may contain secrets"
    )


def rpc_handler(method: Callable[..., ReplyT]) -> Callable[..., ReplyT]:
    """Wrap one RPC, so that every exception becomes a status with a text for users, without traceback or secret.

    The text of an unexpected exception could contain a secret, so the status contains only its type. The log contains
    the place where it was raised.
    """

    @functools.wraps(method)
    def handle(self: Any, request: Any, context: grpc.ServicerContext) -> ReplyT:
        try:
            return method(self, request, context)
        except Exception as error:
            if not isinstance(error, InitFailedError) or error.failed:
                self.session.failed.record(getattr(request, "urn", ""))
            _abort(error, method.__name__, request, context, self.package.log_variable)

    return handle


def streaming_rpc_handler(method: Callable[..., Iterator[ReplyT]]) -> Callable[..., Iterator[ReplyT]]:
    """Wrap one RPC that returns a stream, as `rpc_handler` does."""

    @functools.wraps(method)
    def handle(self: Any, request: Any, context: grpc.ServicerContext) -> Iterator[ReplyT]:
        try:
            yield from method(self, request, context)
        except Exception as error:
            _abort(error, method.__name__, request, context, self.package.log_variable)

    return handle


def _abort(
    error: Exception, operation: str, request: Any, context: grpc.ServicerContext, log_variable: str
) -> NoReturn:
    redactor = request_redactor(request)
    match error:
        case InitFailedError():
            _abort_init_failed(context, error, redactor)
        case InvalidInputsError():
            _abort_with(context, grpc.StatusCode.INVALID_ARGUMENT, error.detail, str(error))
        case ResourceError():
            text = error_text(error)
        case NotImplementedError():
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{operation} is not offered by this provider")
        case _:
            log.error("internal error in %s: %s at %s", operation, type(error).__name__, stack_locations(error))
            text = internal_error_text(error, operation, log_variable)
    context.abort(grpc.StatusCode.UNKNOWN, redactor.redact(text))


def _abort_init_failed(context: grpc.ServicerContext, failed: InitFailedError, redactor: Redactor) -> NoReturn:
    reason = redactor.redact(camelize_code_spans(str(failed)))
    detail = pb.ErrorResourceInitFailed(
        id=failed.id,
        properties=failed.properties,
        inputs=failed.inputs,
        reasons=[reason],
        # The object goes on without the engine: the next run reads it before it decides.
        refresh_before_update=True,
    )
    _abort_with(context, grpc.StatusCode.UNKNOWN, detail, reason)


def _abort_with(context: grpc.ServicerContext, code: grpc.StatusCode, detail: Message, text: str) -> NoReturn:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status = status_pb2.Status(code=code.value[0], message=text)
    status.details.append(packed)
    context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
    context.abort(code, text)
