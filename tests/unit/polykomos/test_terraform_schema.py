"""Both engines' schemas say what the declarations say, attribute by attribute."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polykomos.package import package
from resourcekit.declaration import fields_of
from resourcekit.pulumi.names import camel
from resourcekit.pulumi.schema import write_schema
from resourcekit.resource import Function, Resource
from resourcekit.shapes import Anything, ListOf, MapOf, ObjectOf, Scalar, Shape, field_shapes
from resourcekit.terraform.names import function_type, resource_type
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.provider import Provider

PULUMI = write_schema(package())
CALLS = Provider(package()).calls()
TERRAFORM: pb.GetProviderSchema.Response = CALLS["GetProviderSchema"](pb.GetProviderSchema.Request(), None)
OURS_ALONE = {"id", "timeouts"}


def attributes(schema: pb.Schema) -> dict[str, pb.Schema.Attribute]:
    return {attribute.name: attribute for attribute in schema.block.attributes}


def terraform_type(attribute: pb.Schema.Attribute) -> str:
    if attribute.HasField("nested_type"):
        nesting = pb.Schema.Object.NestingMode.Name(attribute.nested_type.nesting).lower()
        return "object" if nesting == "single" else f"{nesting} of objects"
    found = json.loads(attribute.type)
    return found if isinstance(found, str) else f"{found[0]} of {found[1]}"


def expected_type(shape: Shape) -> str:
    match shape:
        case Scalar("boolean"):
            return "bool"
        case Scalar("integer" | "number"):
            return "number"
        case Scalar(_):
            return "string"
        case Anything() | MapOf(Anything()) | ListOf(Anything()):
            return "dynamic"
        case ObjectOf(_):
            return "object"
        case ListOf(ObjectOf(_)):
            return "list of objects"
        case MapOf(ObjectOf(_)):
            return "map of objects"
        case ListOf(item, unordered):
            return f"{'set' if unordered else 'list'} of {expected_type(item)}"
        case MapOf(value):
            return f"map of {expected_type(value)}"


@pytest.mark.parametrize("resource", package().resources, ids=lambda resource: resource.name)
def test_a_resource(resource: Resource[Any, Any, Any]) -> None:
    ours = PULUMI["resources"][f"polykomos:index:{resource.name}"]
    theirs = attributes(TERRAFORM.resource_schemas[resource_type(package(), resource)])
    given, state = fields_of(resource.arguments), fields_of(resource.state)
    twins = {
        f"{name}{end}" for name, facts in given.items() if facts.may_hold_secrets for end in ("_wo", "_wo_version")
    }
    assert set(theirs) - OURS_ALONE - twins == set(state)
    assert set(ours["properties"]) == {camel(name) for name in state}
    assert set(ours["inputProperties"]) == {camel(name) for name in given}
    for name, facts in state.items():
        attribute, argument = theirs[name], given.get(name)
        property_ = ours["properties"][camel(name)]
        assert terraform_type(attribute) == expected_type(field_shapes(resource.state)[name]), name
        assert attribute.required == (argument is not None and argument.required), name
        assert attribute.optional == (argument is not None and not argument.required), name
        assert attribute.computed == (argument is None or (argument.computed and not argument.required)), name
        assert attribute.required == (camel(name) in ours.get("requiredInputs", [])), name
        assert attribute.sensitive == facts.secret == property_.get("secret", False), name
        assert attribute.deprecated == (facts.deprecated is not None) == ("deprecationMessage" in property_), name
        replaces = ours["inputProperties"].get(camel(name), {}).get("willReplaceOnChanges", False)
        assert replaces == (argument is not None and argument.replaces), name
    for name in twins:
        assert theirs[name].optional
        assert theirs[name].write_only == theirs[name].sensitive == name.endswith("_wo")


@pytest.mark.parametrize("function", package().functions, ids=lambda function: function.name)
def test_a_function(function: Function[Any, Any, Any]) -> None:
    ours = PULUMI["functions"][f"polykomos:index:{camel(function.name)}"]
    theirs = attributes(TERRAFORM.data_source_schemas[function_type(package(), function)])
    given, found = fields_of(function.arguments), fields_of(function.result)
    assert set(theirs) == {*given, *found}
    assert set(ours.get("inputs", {}).get("properties", {})) == {camel(name) for name in given}
    assert set(ours["outputs"]["properties"]) == {camel(name) for name in found}
    for name, attribute in theirs.items():
        argument = given.get(name)
        assert attribute.required == (argument is not None and argument.required), name
        assert attribute.computed == (argument is None or (name in found and not argument.required)), name
        assert attribute.sensitive == (name in found and found[name].secret), name
        model = function.arguments if argument is not None else function.result
        assert terraform_type(attribute) == expected_type(field_shapes(model)[name]), name


def test_no_text_speaks_pulumi() -> None:
    told = TERRAFORM.__str__()
    for word in ("getDatabase", "`BlueprintApplication`", "`WebhookEndpoint`", "pulumi"):
        assert word not in told, word


def test_metadata_names_what_the_schema_has() -> None:
    found = CALLS["GetMetadata"](pb.GetMetadata.Request(), None)
    assert {each.type_name for each in found.resources} == set(TERRAFORM.resource_schemas)
    assert {each.type_name for each in found.data_sources} == set(TERRAFORM.data_source_schemas)
    assert {each.type_name for each in found.ephemeral_resources} == set(TERRAFORM.ephemeral_resource_schemas)
    assert {each.type_name for each in found.list_resources} == set(TERRAFORM.list_resource_schemas)
    assert {each.type_name for each in found.actions} == set(TERRAFORM.action_schemas)
    assert {each.name for each in found.functions} == set(TERRAFORM.functions)
    identities = CALLS["GetResourceIdentitySchemas"](pb.GetResourceIdentitySchemas.Request(), None)
    assert set(identities.identity_schemas) == set(TERRAFORM.resource_schemas)
