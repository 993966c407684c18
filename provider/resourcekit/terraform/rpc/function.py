"""GetFunctions and CallFunction: pure functions, usable before the provider is configured."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from resourcekit.errors import CheckError, ResourceError
from resourcekit.field_types import FieldType, field_type, field_types
from resourcekit.fields import field_specs
from resourcekit.planning.validate import validate_arguments
from resourcekit.plugin.logging import stack_locations
from resourcekit.resource import ProviderFunction
from resourcekit.terraform.cty.decode import decode
from resourcekit.terraform.cty.encode import encode
from resourcekit.terraform.cty.msgpack import WireError, pack, unpack
from resourcekit.terraform.cty.types import CtyType, cty_type, type_json_bytes
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import TerraformSession
from resourcekit.unknown import UNKNOWN, contains_unknown

log = logging.getLogger(__name__)


class FunctionRpcs:
    """The RPCs of provider functions."""

    def __init__(self, session: TerraformSession) -> None:
        self.session = session

    @cached_property
    def found(self) -> Mapping[str, ProviderFunction[Any]]:
        """The functions, by name."""
        return {each.name: each for each in self.session.package.functions}

    def signatures(self) -> dict[str, pb.Function]:
        """Every function's signature, by name."""
        return {name: self._signature(each) for name, each in self.found.items()}

    def GetFunctions(self, _request: pb.GetFunctions.Request, _context: Any) -> Any:
        return pb.GetFunctions.Response(functions=self.signatures())

    def CallFunction(self, request: pb.CallFunction.Request, _context: Any) -> Any:
        """A failure names the argument at fault by its position."""
        try:
            return self._call(request)
        except CheckError as error:
            return self._failed(request.name, error.failures[0].property, error.failures[0].reason)
        except ResourceError as error:
            return self._failed(request.name, error.property, str(error))
        except WireError as error:
            return self._failed(request.name, str(error.path[0]) if error.path else "", error.reason)
        except Exception as error:
            # The text of an unexpected exception could contain a secret: it is not logged either.
            log.error(
                "unexpected %s in %s", type(error).__name__, request.name, extra={"trace": stack_locations(error)}
            )
            return self._failed(
                request.name, "", f"internal error ({type(error).__name__}); please report it with the log"
            )

    def _call(self, request: pb.CallFunction.Request) -> Any:
        calculation = self.found.get(request.name)
        if calculation is None:
            raise WireError(f"this provider has no function {request.name!r}; it has {', '.join(self.found)}")
        shapes = _shapes(calculation)
        least = sum(not facts.variadic for facts in field_specs(calculation.arguments).values())
        if not least <= len(request.arguments) <= len(shapes):
            counts = f"{least}" if least == len(shapes) else f"{least} to {len(shapes)}"
            raise WireError(f"takes {counts} arguments, not {len(request.arguments)}")
        given = {}
        # A call may leave a variadic argument out.
        for (name, shape), argument in zip(shapes.items(), request.arguments, strict=False):
            try:
                # OpenTofu sends nothing at all for a null.
                given[name] = decode(cty_type(shape), unpack(argument.msgpack)) if argument.msgpack else None
            except WireError as error:
                raise WireError(error.reason, (name, *error.path)) from None
        type_ = _result_type(calculation)
        result: Any = UNKNOWN
        if not contains_unknown(given):
            checked = validate_arguments(calculation.arguments, given)
            # null is given as such: nothing is left out of a call.
            nulls = {name for name, value in given.items() if value is None and _takes_null(calculation, name)}
            failures = tuple(each for each in checked.failures if each.property.partition(".")[0] not in nulls)
            if failures:
                raise CheckError(failures)
            result = calculation.call(calculation.arguments.model_validate({**given, **checked.values}))
        value = result.model_dump(mode="json") if isinstance(result, BaseModel) else result
        return pb.CallFunction.Response(result=pb.DynamicValue(msgpack=pack(encode(type_, value))))

    def _failed(self, name: str, argument: str, reason: str) -> Any:
        calculation = self.found.get(name)
        names = list(calculation.arguments.model_fields) if calculation else []
        head = argument.partition(".")[0]
        position = names.index(head) if head in names else None
        text = f"{argument}: {reason}" if argument else reason
        return pb.CallFunction.Response(
            error=pb.FunctionError(text=self.session.localize(text), function_argument=position)
        )

    def _signature(self, calculation: ProviderFunction[Any]) -> pb.Function:
        shapes = _shapes(calculation)
        fields = field_specs(calculation.arguments)
        parameters = {
            name: pb.Function.Parameter(
                name=name,
                type=type_json_bytes(cty_type(shapes[name])),
                allow_null_value=_takes_null(calculation, name),
                description=self.session.localize(facts.description),
                description_kind=pb.MARKDOWN,
            )
            for name, facts in fields.items()
        }
        text = self.session.localize(inspect.getdoc(type(calculation)) or "")
        signature = pb.Function(
            parameters=[each for name, each in parameters.items() if not fields[name].variadic],
            variadic_parameter=next((each for name, each in parameters.items() if fields[name].variadic), None),
            summary=text.partition("\n")[0],
            description=text,
            description_kind=pb.MARKDOWN,
        )
        # `return` is a keyword in Python.
        getattr(signature, "return").type = type_json_bytes(_result_type(calculation))
        return signature


def _shapes(calculation: ProviderFunction[Any]) -> dict[str, FieldType]:
    model: type[BaseModel] = calculation.arguments
    return field_types(model)


def _takes_null(calculation: ProviderFunction[Any], name: str) -> bool:
    return type(None) in getattr(calculation.arguments.model_fields[name].annotation, "__args__", ())


def _result_type(calculation: ProviderFunction[Any]) -> CtyType:
    return cty_type(field_type(calculation.result))
