"""GetFunctions and CallFunction: pure functions, usable before the provider is configured."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from resourcekit.error_texts import unexpected_error_text
from resourcekit.errors import CheckError, ResourceError
from resourcekit.field_types import FieldType, field_type, field_types
from resourcekit.fields import field_specs
from resourcekit.planning.validate import validate_arguments
from resourcekit.resource import ProviderFunction
from resourcekit.terraform.cty.decode import decode
from resourcekit.terraform.cty.encode import encode
from resourcekit.terraform.cty.msgpack import WireError, pack, unpack
from resourcekit.terraform.cty.types import CtyType, cty_type, type_json_bytes
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import TerraformSession
from resourcekit.unknown import UNKNOWN, contains_unknown


class FunctionRpcs:
    """RPCs of provider functions."""

    def __init__(self, session: TerraformSession) -> None:
        self.session = session

    @cached_property
    def declared(self) -> Mapping[str, ProviderFunction[Any]]:
        """The declared functions, by name."""
        return {each.name: each for each in self.session.package.functions}

    def signatures(self) -> dict[str, pb.Function]:
        """Return the signature of every function, by name."""
        return {name: self._signature(each) for name, each in self.declared.items()}

    def GetFunctions(self, _request: pb.GetFunctions.Request, _context: Any) -> Any:
        """Return the signature of every function."""
        return pb.GetFunctions.Response(functions=self.signatures())

    def CallFunction(self, request: pb.CallFunction.Request, _context: Any) -> Any:
        """Return the result of a function, or an error with the position of the invalid argument."""
        try:
            return self._call(request)
        except CheckError as error:
            return self._failed(request.name, error.failures[0].property, error.failures[0].reason)
        except ResourceError as error:
            return self._failed(request.name, error.property, str(error))
        except WireError as error:
            return self._failed(request.name, str(error.path[0]) if error.path else "", error.reason)
        except Exception as error:
            return self._failed(request.name, "", unexpected_error_text(error, request.name))

    def _call(self, request: pb.CallFunction.Request) -> Any:
        function = self.declared.get(request.name)
        if function is None:
            raise WireError(f"this provider has no function {request.name!r}; it has {', '.join(self.declared)}")
        types = _argument_types(function)
        least = sum(not facts.variadic for facts in field_specs(function.arguments).values())
        if not least <= len(request.arguments) <= len(types):
            counts = f"{least}" if least == len(types) else f"{least} to {len(types)}"
            raise WireError(f"takes {counts} arguments, not {len(request.arguments)}")
        arguments = {}
        # A call may omit a variadic argument.
        for (name, type_), argument in zip(types.items(), request.arguments, strict=False):
            try:
                # OpenTofu sends an empty value for a null.
                arguments[name] = decode(cty_type(type_), unpack(argument.msgpack)) if argument.msgpack else None
            except WireError as error:
                raise WireError(error.reason, (name, *error.path)) from None
        result: Any = UNKNOWN
        if not contains_unknown(arguments):
            validated = validate_arguments(function.arguments, arguments)
            # A null is an argument like any other: a call does not omit it.
            nulls = {name for name, value in arguments.items() if value is None and _takes_null(function, name)}
            failures = tuple(each for each in validated.failures if each.property.partition(".")[0] not in nulls)
            if failures:
                raise CheckError(failures)
            result = function.call(function.arguments.model_validate({**arguments, **validated.values}))
        value = result.model_dump(mode="json") if isinstance(result, BaseModel) else result
        return pb.CallFunction.Response(result=pb.DynamicValue(msgpack=pack(encode(_result_type(function), value))))

    def _failed(self, name: str, argument: str, reason: str) -> Any:
        function = self.declared.get(name)
        names = list(function.arguments.model_fields) if function else []
        first_part = argument.partition(".")[0]
        position = names.index(first_part) if first_part in names else None
        text = f"{argument}: {reason}" if argument else reason
        return pb.CallFunction.Response(
            error=pb.FunctionError(text=self.session.localize(text), function_argument=position)
        )

    def _signature(self, function: ProviderFunction[Any]) -> pb.Function:
        types = _argument_types(function)
        fields = field_specs(function.arguments)
        parameters = {
            name: pb.Function.Parameter(
                name=name,
                type=type_json_bytes(cty_type(types[name])),
                allow_null_value=_takes_null(function, name),
                description=self.session.localize(facts.description),
                description_kind=pb.MARKDOWN,
            )
            for name, facts in fields.items()
        }
        text = self.session.localize(inspect.getdoc(type(function)) or "")
        signature = pb.Function(
            parameters=[each for name, each in parameters.items() if not fields[name].variadic],
            variadic_parameter=next((each for name, each in parameters.items() if fields[name].variadic), None),
            summary=text.partition("\n")[0],
            description=text,
            description_kind=pb.MARKDOWN,
        )
        # `return` is a keyword in Python.
        getattr(signature, "return").type = type_json_bytes(_result_type(function))
        return signature


def _argument_types(function: ProviderFunction[Any]) -> dict[str, FieldType]:
    model: type[BaseModel] = function.arguments
    return field_types(model)


def _takes_null(function: ProviderFunction[Any], name: str) -> bool:
    return type(None) in getattr(function.arguments.model_fields[name].annotation, "__args__", ())


def _result_type(function: ProviderFunction[Any]) -> CtyType:
    return cty_type(field_type(function.result))
