"""Data source types, ephemeral resource types and action types: a declaration and its schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from resourcekit.context import Context
from resourcekit.error_texts import translate_errors
from resourcekit.errors import CheckError
from resourcekit.planning.validate import validate_declaration, with_unknown_references
from resourcekit.resource import DataSource
from resourcekit.terraform.cty.encode import encode
from resourcekit.terraform.cty.msgpack import WireError
from resourcekit.terraform.diagnostics import Diagnostics
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.schema import Schema, Values
from resourcekit.terraform.session import TerraformSession


class DataSourceType:
    """A declaration that calls the API, with its schema."""

    def __init__(self, declaration: DataSource[Any, Any, Any], block: Schema) -> None:
        self.declaration = declaration
        self.block = block

    def arguments(self, config: pb.DynamicValue, *, validating: bool = False) -> tuple[Values, dict[str, Any]]:
        """Decode and check a configuration.

        Args:
            config: The configuration that the engine sends.
            validating: Whether this is before any plan, when references may have invented values of `mock_provider`.

        Returns:
            The wire values, and the arguments in normal form.

        Raises:
            CheckError: An argument breaks a rule.
            WireError: The configuration is not of this schema.
        """
        values = self.block.read(config)
        if values is None:
            raise WireError("the engine sent null where an object belongs")
        names = self.declaration.arguments.model_fields
        arguments = {name: self.block.to_plain(values, name) for name in names}
        if validating:
            arguments = with_unknown_references(self.declaration.arguments, arguments)
        validated = validate_declaration(self.declaration, arguments)
        if validated.failures:
            raise CheckError(validated.failures)
        return values, validated.values

    def read(self, session: TerraformSession, arguments: Mapping[str, Any], ctx: Context[Any]) -> dict[str, Any]:
        """Return the result as plain values.

        Raises:
            ResourceError: The API refused the request, or could not be reached.
        """
        typed = self.declaration.arguments.model_validate(arguments)
        response = translate_errors(session.package, lambda: self.declaration.call(typed, ctx))
        result: dict[str, Any] = response.model_dump(mode="json")
        return result

    def read_object(self, session: TerraformSession, config: pb.DynamicValue, report: Diagnostics) -> pb.DynamicValue:
        """Return the arguments of a configuration, with the result for the attributes that it leaves out.

        Raises:
            CheckError: An argument breaks a rule.
            ResourceError: The API refused the request, or the provider's settings are not known yet.
            WireError: The configuration is not of this schema.
        """
        values, arguments = self.arguments(config)
        result = self.read(session, arguments, session.context(self.declaration.time_limit(arguments), report))
        return self.block.write(
            {
                name: values[name] if values.get(name) is not None else encode(type_, result.get(name))
                for name, type_ in self.block.types.items()
            }
        )


# Most configurations use none of these types. They are loaded when the first one is requested.
LoadTypes = Callable[[], Mapping[str, DataSourceType]]


def find_data_source(load: LoadTypes, type_name: str) -> DataSourceType:
    """Return the type of this name.

    Raises:
        WireError: The provider has no such type.
    """
    types = load()
    found = types.get(type_name)
    if found is None:
        raise WireError(f"this provider has no {type_name!r}; it has {', '.join(types)}")
    return found
