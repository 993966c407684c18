"""Outcomes and failures as the engine wants them: statuses, init failures, check failures."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterable, Set
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import any_pb2, struct_pb2
from pydantic import BaseModel

from resourcekit.errors import CheckFailed, Failure, ResourceError
from resourcekit.pulumi.names import camel_path, camel_text
from resourcekit.pulumi.protocol import errors_pb2, status_pb2
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.shapes import ObjectOf

log = logging.getLogger(__name__)
ReplyT = TypeVar("ReplyT")
_DETAILS = "grpc-status-details-bin"
_HEAD = re.compile(r"[.\[]")


class InitFailed(Exception):
    """The object exists but is not complete: the engine keeps id and state, and runs Update the next time."""

    def __init__(self, id: str, properties: struct_pb2.Struct, inputs: struct_pb2.Struct, reason: str) -> None:
        super().__init__(reason)
        self.detail = pb.ErrorResourceInitFailed(
            id=id, properties=properties, inputs=inputs, reasons=[camel_text(reason)]
        )


class InvalidInputs(Exception):
    """A component's inputs break rules; nothing has been registered.

    secrets: the property names that hold secrets. The engine prints the values at the paths that it is told, marked or
    not: of these the text tells instead.
    """

    def __init__(self, model: type[BaseModel], failures: Iterable[Failure], secrets: Set[str]) -> None:
        found = check_failures(model, failures)
        hidden = [each for each in found if _HEAD.split(each.property, maxsplit=1)[0] in secrets]
        told = "; ".join(f"{each.property}: {each.reason}" for each in hidden)
        super().__init__(f"invalid inputs: {told}" if told else "invalid inputs")
        self.detail = errors_pb2.InputPropertiesError(
            errors=[
                errors_pb2.InputPropertiesError.PropertyError(property_path=each.property, reason=each.reason)
                for each in found
                if each not in hidden
            ]
        )


def check_failures(model: type[BaseModel], failures: Iterable[Failure]) -> list[pb.CheckFailure]:
    """Failures with this engine's property paths and spelling."""
    return [
        pb.CheckFailure(property=camel_path(failure.property, ObjectOf(model)), reason=camel_text(failure.reason))
        for failure in failures
    ]


def message_of(error: ResourceError) -> str:
    """One text for people: every failure with its property."""
    if isinstance(error, CheckFailed):
        return "; ".join(_with_property(failure.property, failure.reason) for failure in error.failures)
    return _with_property(error.property, str(error))


def _with_property(path: str, text: str) -> str:
    return f"{camel_path(path)}: {camel_text(text)}" if path else camel_text(text)


def explained(method: Callable[..., ReplyT]) -> Callable[..., ReplyT]:
    """Wrap one RPC: whatever it raises becomes a status with a text for people, never a traceback.

    Exceptions that nobody foresaw could carry a secret in their text, so only their type is told; the whole goes to the
    log.
    """

    @functools.wraps(method)
    def run(self: Any, request: Any, context: grpc.ServicerContext) -> ReplyT:
        try:
            return method(self, request, context)
        except InitFailed as failed:
            _abort_with(context, grpc.StatusCode.UNKNOWN, failed)
        except InvalidInputs as invalid:
            _abort_with(context, grpc.StatusCode.INVALID_ARGUMENT, invalid)
        except ResourceError as error:
            text = message_of(error)
        except NotImplementedError:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method.__name__} is not offered by this provider")
        except Exception as error:
            log.debug("internal error in %s", method.__name__, exc_info=True)
            text = (
                f"internal error in the provider during {method.__name__} ({type(error).__name__}). Nothing more is "
                f"known to have happened. Set {self.package.log_variable}=debug for the details, and please report it"
            )
        context.abort(grpc.StatusCode.UNKNOWN, text)

    return run


def _abort_with(context: grpc.ServicerContext, code: grpc.StatusCode, failed: InitFailed | InvalidInputs) -> NoReturn:
    detail = any_pb2.Any()
    detail.Pack(failed.detail)
    status = status_pb2.Status(code=code.value[0], message=str(failed))
    status.details.append(detail)
    context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
    context.abort(code, str(failed))
