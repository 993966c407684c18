"""Write the Pulumi package schema from the declarations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel

from resourcekit.component import Component
from resourcekit.field_types import AnyType, FieldType, ListType, MapType, ObjectType, ScalarType, field_types
from resourcekit.fields import FieldSpec, field_specs
from resourcekit.package import Package
from resourcekit.pulumi.casing import camelize_code_spans, to_camel
from resourcekit.resource import DataSource, Resource

Json = dict[str, Any]
_ONLY_ACTION: Final = (
    "\n\nIt changes something, so a program calls it in every update and in no preview, where its results are null. "
    "`{}` calls it on request."
)
_AUTO_NAMED: Final = (
    "If omitted, it is the resource's name in the program with a random suffix, or what `pulumi:autonaming` says, and "
    "it stays the same for the resource's lifetime."
)


def package_schema(package: Package[Any]) -> Json:
    """Return the schema as `pulumi package get-schema` shows it. Its order is stable, so it can be committed."""
    types = _Types(package.name)
    document: Json = {
        "name": package.name,
        "displayName": package.display_name,
        "version": package.version,
        "description": camelize_code_spans(package.description),
        "keywords": list(package.keywords),
        "homepage": package.homepage,
        "license": "Apache-2.0",
        "publisher": package.display_name,
        # supportPack: the SDKs are whole packages, with a go.mod, also as `pulumi package add` writes them.
        "meta": {"moduleFormat": "(.*)", "supportPack": True},
        "config": {"variables": types.properties(package.settings)},
        "provider": {
            "description": f"The provider for {package.display_name}. {camelize_code_spans(package.description)}",
            "inputProperties": types.properties(package.settings),
            **_required("requiredInputs", package.settings, optional=package.environment),
        },
        "resources": {
            f"{package.name}:index:{resource.name}": _resource(types, package, resource)
            for resource in package.resources
        }
        | {
            f"{package.name}:index:{component.name}": _component(types, package, component)
            for component in package.components
        },
        "functions": {
            f"{package.name}:index:{to_camel(function.name)}": _function(types, package, function)
            for function in package.called_functions
        },
        "language": _languages(package),
    }
    document["types"] = dict(sorted(types.found.items()))
    return document


def _languages(package: Package[Any]) -> Json:
    return {
        "csharp": {"respectSchemaVersion": True},
        "go": {
            "generateResourceContainerTypes": True,
            "importBasePath": f"github.com/{package.name}/pulumi-{package.name}/sdk/go/{package.name}",
            "respectSchemaVersion": True,
        },
        "nodejs": {"packageName": f"@{package.name}/pulumi", "respectSchemaVersion": True},
        "python": {
            "packageName": f"pulumi_{package.name}",
            "pyproject": {"enabled": True},
            "respectSchemaVersion": True,
        },
    }


def _resource(types: _Types, package: Package[Any], resource: Resource[Any, Any, Any]) -> Json:
    return {
        "description": _documentation(package, resource),
        "properties": types.properties(resource.state),
        **_required("required", resource.state),
        "inputProperties": types.properties(resource.arguments, replaces=True),
        **_required("requiredInputs", resource.arguments, optional=_generated(resource.arguments)),
        **_list_inputs(types, resource),
    }


def _list_inputs(types: _Types, resource: Resource[Any, Any, Any]) -> Json:
    """Return the filters of a list, all optional, or nothing if the API cannot list the objects."""
    if not resource.supports_list:
        return {}
    properties = types.properties(resource.state)
    filters = {
        name: {**properties[name], "description": f"List only the objects with this `{name}`."}
        for name in map(to_camel, resource.list_filters)
    }
    return {"listInputs": {"type": "object", "properties": filters}}


def _component(types: _Types, package: Package[Any], component: Component[Any, Any]) -> Json:
    return {
        "description": _documentation(package, component),
        "properties": types.properties(component.result),
        **_required("required", component.result),
        "inputProperties": types.properties(component.arguments),
        **_required("requiredInputs", component.arguments),
        "isComponent": True,
    }


def _function(types: _Types, package: Package[Any], function: DataSource[Any, Any, Any]) -> Json:
    document: Json = {"description": _documentation(package, function)}
    if field_specs(function.arguments):
        document["inputs"] = _object(types, function.arguments)
    document["outputs"] = _object(types, function.result)
    return document


def _object(types: _Types, model: type[BaseModel]) -> Json:
    return {"type": "object", "properties": types.properties(model), **_required("required", model)}


def _generated(model: type[BaseModel]) -> list[str]:
    """Return the arguments that the provider generates if they are omitted."""
    return [name for name, spec in field_specs(model).items() if spec.auto_named]


def _required(word: str, model: type[BaseModel], *, optional: Iterable[str] = ()) -> Json:
    """Return the required names under `word`, or nothing if there are none, as the engine writes it.

    Args:
        word: The key.
        model: The model.
        optional: Required fields that may also come from elsewhere, such as the environment.
    """
    names = [
        to_camel(name)
        for name, spec in field_specs(model).items()
        if spec.always_present or (spec.required and name not in optional)
    ]
    return {word: names} if names else {}


def _documentation(
    package: Package[Any], declared: Resource[Any, Any, Any] | Component[Any, Any] | DataSource[Any, Any, Any]
) -> str:
    text = text_of(package, declared)
    example = package.example(declared.name, "pulumi-yaml")
    if example:
        text += f"\n\n## Example Usage\n\n```yaml\n{example.strip()}\n```\n"
    if isinstance(declared, Resource):
        text += f"\n\n## Import\n\nImported by {camelize_code_spans(declared.import_id)}.\n"
    return text


def text_of(package: Package[Any], declared: object) -> str:
    """Return the documentation of a declaration for Pulumi. Terraform's actions are functions here."""
    text = camelize_code_spans(docstring_of(declared))
    if isinstance(declared, DataSource) and package.is_only_action(declared):
        text += _ONLY_ACTION.format(f"pulumi do {package.name}:index:{to_camel(declared.name)}")
    return text


def docstring_of(declared: object) -> str:
    """Return the docstring of a declaration's class, dedented."""
    import inspect

    return inspect.getdoc(type(declared)) or ""


class _Types:
    """Collects the object types that properties refer to."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.found: Json = {}

    def properties(self, model: type[BaseModel], *, replaces: bool = False) -> dict[str, Json]:
        shapes = field_types(model)
        return {
            to_camel(name): {**self.shape(shapes[name]), **_annotations(spec, replaces=replaces)}
            for name, spec in field_specs(model).items()
        }

    def shape(self, shape: FieldType) -> Json:
        match shape:
            case ScalarType(kind):
                return {"type": kind}
            case ListType(item):
                return {"type": "array", "items": self.shape(item)}
            case MapType(value):
                return {"type": "object", "additionalProperties": self.shape(value)}
            case ObjectType(model):
                return {"type": "object", "$ref": f"#/types/{self.object(model)}"}
            case AnyType():
                return {"$ref": "pulumi.json#/Any"}

    def object(self, model: type[BaseModel]) -> str:
        token = f"{self.package}:index:{model.__name__}"
        if token not in self.found:
            self.found[token] = {}  # a type may refer to itself
            self.found[token] = {
                "description": camelize_code_spans((model.__doc__ or "").strip()),
                **_object(self, model),
            }
        return token


def description_of(spec: FieldSpec) -> str:
    """Return the description of a field for Pulumi, with declared names."""
    return f"{spec.description} {_AUTO_NAMED}" if spec.auto_named else spec.description


def _annotations(spec: FieldSpec, *, replaces: bool) -> Json:
    document: Json = {"description": camelize_code_spans(description_of(spec))}
    if spec.secret:
        document["secret"] = True
    if replaces and spec.requires_replace:
        document["willReplaceOnChanges"] = True
    if spec.deprecated:
        document["deprecationMessage"] = camelize_code_spans(spec.deprecated)
    return document
