"""The mapping between Terraform's names and Pulumi's, in the form that `pulumi convert` and `pulumi import` read.

The form is the JSON of `MarshallableProviderInfo` (pulumi-terraform-bridge, `pkg/tfbridge/info`).
It contains what both engines have in common: no `timeouts` and no write-only variants, which Pulumi does not have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel

from resourcekit.field_types import AnyType, FieldType, ListType, MapType, ObjectType, ScalarType, field_types
from resourcekit.fields import FieldSpec, field_specs
from resourcekit.package import Package
from resourcekit.pulumi.casing import to_camel
from resourcekit.terraform_names import function_type, resource_type

Json = dict[str, Any]

# `pulumi` asks by the name of the converter's language; older releases by "tf".
KEYS: Final = ("terraform", "tf")
# The numbers of the bridge's types (`shim.ValueType`).
_BOOL, _INT, _FLOAT, _STRING, _LIST, _MAP, _SET, _DYNAMIC = range(1, 9)
_SCALARS: Final = {"boolean": _BOOL, "integer": _INT, "number": _FLOAT, "string": _STRING}
_ID: Final[Json] = {"type": _STRING, "computed": True}


def terraform_mapping(package: Package[Any]) -> bytes:
    """Return the mapping of a package."""
    resources = {resource_type(package, each): each for each in package.resources}
    functions = {function_type(package, each): each for each in package.data_sources}
    document: Json = {
        "name": package.name,
        "version": package.version,
        "tfProviderVersion": package.version,
        "provider": {
            "schema": _attributes(package.settings, package.settings, optional=package.environment),
            "resources": {
                name: {"id": _ID, **_attributes(each.state, each.arguments)} for name, each in resources.items()
            },
            "dataSources": {
                name: {**_attributes(each.result, None), **_attributes(each.arguments, each.arguments)}
                for name, each in functions.items()
            },
        },
        "config": _fields(package.settings),
        "resources": {
            name: {"tok": f"{package.name}:index:{each.name}", "fields": _fields(each.state)}
            for name, each in resources.items()
        },
        "dataSources": {
            name: {
                "tok": f"{package.name}:index:{to_camel(each.name)}",
                "fields": {**_fields(each.result), **_fields(each.arguments)},
            }
            for name, each in functions.items()
        },
    }
    return json.dumps(document, sort_keys=True).encode()


def _attributes(
    model: type[BaseModel], arguments: type[BaseModel] | None, *, optional: Iterable[str] = ()
) -> Mapping[str, Json]:
    """Return Terraform's attributes for the fields of a model.

    Args:
        model: The model.
        arguments: The model of the fields that a configuration may set; None: it may set none.
        optional: Required fields that may also come from elsewhere.
    """
    types, settable = field_types(model), {} if arguments is None else field_specs(arguments)
    return {
        name: _attribute(spec, types[name], settable.get(name), is_optional=name in optional)
        for name, spec in field_specs(model).items()
    }


def _attribute(spec: FieldSpec, type_: FieldType, argument: FieldSpec | None, *, is_optional: bool) -> Json:
    required = argument is not None and argument.required and not is_optional
    flags = {
        "required": required,
        "optional": argument is not None and not required,
        "computed": argument is None or (argument.computed and not required),
        "forceNew": argument is not None and argument.requires_replace,
        "sensitive": spec.secret,
    }
    # Terraform knows ids only as strings.
    shape = {"type": _STRING} if spec.numeric_id else _shape(type_, unordered=spec.unordered, settable=bool(argument))
    return {**shape, **{name: True for name, holds in flags.items() if holds}}


def _shape(type_: FieldType, *, unordered: bool = False, settable: bool = True) -> Json:
    match type_:
        case ScalarType(kind):
            return {"type": _SCALARS[kind]}
        case ListType(item):
            return {"type": _SET if unordered else _LIST, "element": _element(item, settable=settable)}
        case MapType(value):
            return {"type": _MAP, "element": {"schema": _shape(value, settable=settable)}}
        case ObjectType(model):
            # The bridge's form of one nested object.
            return {"type": _MAP, "element": {"resource": _attributes(model, model if settable else None)}}
        case AnyType():
            return {"type": _DYNAMIC}


def _element(item: FieldType, *, settable: bool) -> Json:
    if isinstance(item, ObjectType):
        return {"resource": _attributes(item.model, item.model if settable else None)}
    return {"schema": _shape(item, settable=settable)}


def _fields(model: type[BaseModel]) -> Mapping[str, Json]:
    """Return Pulumi's name of each field: the bridge's own rule would pluralize lists."""
    types = field_types(model)
    return {name: _field(spec, types[name]) for name, spec in field_specs(model).items()}


def _field(spec: FieldSpec, type_: FieldType) -> Json:
    field: Json = {"name": to_camel(spec.name), **_nested_fields(type_)}
    if spec.numeric_id:
        field["typeomitempty"] = "integer"  # the bridge's key for `type`
    if spec.secret:
        field["secret"] = True
    if spec.auto_named:
        field["default"] = {"autonamed": True}
    return field


def _nested_fields(type_: FieldType) -> Json:
    match type_:
        case ObjectType(model):
            return {"fields": _fields(model)}
        case ListType(inner) | MapType(inner):
            nested = _nested_fields(inner)
            return {"element": nested} if nested else {}
    return {}
