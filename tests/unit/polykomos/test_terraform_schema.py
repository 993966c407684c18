"""Both engines' schemas say what the declarations say, attribute by attribute."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from polykomos.package import package
from resourcekit.field_types import AnyType, FieldType, ListType, MapType, ObjectType, ScalarType, field_types
from resourcekit.fields import field_specs
from resourcekit.pulumi.casing import to_camel
from resourcekit.pulumi.schema import package_schema
from resourcekit.resource import DataSource, ProviderFunction, Resource
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.provider_server import ProviderServer
from resourcekit.terraform_names import function_type, resource_type

PULUMI = package_schema(package())
CALLS = ProviderServer(package()).method_table()
TERRAFORM: pb.GetProviderSchema.Response = CALLS["GetProviderSchema"](pb.GetProviderSchema.Request(), None)
RESOURCES, DATA_SOURCES = package().resources, package().data_sources
OURS_ALONE = {"id", "timeouts"}


def attributes(schema: pb.Schema) -> dict[str, pb.Schema.Attribute]:
    return {attribute.name: attribute for attribute in schema.block.attributes}


def terraform_type(attribute: pb.Schema.Attribute) -> str:
    if attribute.HasField("nested_type"):
        nesting = pb.Schema.Object.NestingMode.Name(attribute.nested_type.nesting).lower()
        return "object" if nesting == "single" else f"{nesting} of objects"
    found = json.loads(attribute.type)
    return found if isinstance(found, str) else f"{found[0]} of {found[1]}"


def expected_type(shape: FieldType) -> str:
    match shape:
        case ScalarType("boolean"):
            return "bool"
        case ScalarType("integer" | "number"):
            return "number"
        case ScalarType(_):
            return "string"
        case AnyType() | MapType(AnyType()) | ListType(AnyType()):
            return "dynamic"
        case ObjectType(_):
            return "object"
        case ListType(ObjectType(_)):
            return "list of objects"
        case MapType(ObjectType(_)):
            return "map of objects"
        case ListType(item, unordered):
            return f"{'set' if unordered else 'list'} of {expected_type(item)}"
        case MapType(value):
            return f"map of {expected_type(value)}"


# Arguments whose absence a program may spell: an import does, and it stays.
SPELLABLE = {"store_credentials", "deletion_protection", "variables", "events"}


@pytest.mark.parametrize("resource", package().resources, ids=lambda resource: resource.name)
def test_a_resource(resource: Resource[Any, Any, Any]) -> None:
    ours = PULUMI["resources"][f"polykomos:index:{resource.name}"]
    theirs = attributes(TERRAFORM.resource_schemas[resource_type(package(), resource)])
    given, state = field_specs(resource.arguments), field_specs(resource.state)
    twins = {
        f"{name}{end}" for name, facts in given.items() if facts.write_only_variant for end in ("_wo", "_wo_version")
    }
    assert set(theirs) - OURS_ALONE - twins == set(state)
    assert set(ours["properties"]) == {to_camel(name) for name in state}
    assert set(ours["inputProperties"]) == {to_camel(name) for name in given}
    for name, facts in state.items():
        attribute, argument = theirs[name], given.get(name)
        property_ = ours["properties"][to_camel(name)]
        assert terraform_type(attribute) == expected_type(field_types(resource.state)[name]), name
        assert attribute.required == (argument is not None and argument.required), name
        assert attribute.optional == (argument is not None and not argument.required), name
        computed = argument is None or argument.computed or name in SPELLABLE
        assert attribute.computed == (computed and not attribute.required), name
        # Pulumi generates the names that a program leaves out.
        required = attribute.required and not (argument and argument.auto_named)
        assert required == (to_camel(name) in ours.get("requiredInputs", [])), name
        assert attribute.sensitive == facts.secret == property_.get("secret", False), name
        assert attribute.deprecated == (facts.deprecated is not None) == ("deprecationMessage" in property_), name
        replaces = ours["inputProperties"].get(to_camel(name), {}).get("willReplaceOnChanges", False)
        assert replaces == (argument is not None and argument.requires_replace), name
    for name in twins:
        assert theirs[name].optional
        assert theirs[name].write_only == theirs[name].sensitive == name.endswith("_wo")


@pytest.mark.parametrize("function", package().data_sources, ids=lambda function: function.name)
def test_a_function(function: DataSource[Any, Any, Any]) -> None:
    ours = PULUMI["functions"][f"polykomos:index:{to_camel(function.name)}"]
    theirs = attributes(TERRAFORM.data_source_schemas[function_type(package(), function)])
    given, found = field_specs(function.arguments), field_specs(function.result)
    assert set(theirs) == {*given, *found}
    assert set(ours.get("inputs", {}).get("properties", {})) == {to_camel(name) for name in given}
    assert set(ours["outputs"]["properties"]) == {to_camel(name) for name in found}
    for name, attribute in theirs.items():
        argument = given.get(name)
        assert attribute.required == (argument is not None and argument.required), name
        assert attribute.computed == (argument is None or (name in found and not argument.required)), name
        assert attribute.sensitive == (name in found and found[name].secret), name
        model = function.arguments if argument is not None else function.result
        is_id = field_specs(model)[name].numeric_id
        assert terraform_type(attribute) == ("string" if is_id else expected_type(field_types(model)[name])), name


def nested(schema: pb.Schema) -> dict[str, pb.Schema.Attribute]:
    return {name: each for name, each in attributes(schema).items() if each.HasField("nested_type")}


def model_in(shape: FieldType) -> type[BaseModel]:
    match shape:
        case ObjectType(model) | ListType(ObjectType(model)) | MapType(ObjectType(model)):
            return model
    raise AssertionError(f"{shape} is of no objects")


NESTED = [
    (declared, model, schema)
    for declared, model, schema in (
        *((each.name, each.state, TERRAFORM.resource_schemas[resource_type(package(), each)]) for each in RESOURCES),
        *(
            (each.name, each.result, TERRAFORM.data_source_schemas[function_type(package(), each)])
            for each in DATA_SOURCES
        ),
    )
    if set(nested(schema)) - OURS_ALONE
]


@pytest.mark.parametrize(("declared", "model", "schema"), NESTED, ids=[each[0] for each in NESTED])
def test_what_is_inside(declared: str, model: type[BaseModel], schema: pb.Schema) -> None:
    """Objects within attributes: the same parts for both engines, of the same types."""
    for name, attribute in nested(schema).items():
        if name in OURS_ALONE:
            continue
        inner = model_in(field_types(model)[name])
        facts, shapes = field_specs(inner), field_types(inner)
        ours = PULUMI["types"][f"polykomos:index:{inner.__name__}"]
        theirs = {part.name: part for part in attribute.nested_type.attributes}
        assert set(theirs) == set(facts), declared
        assert set(ours["properties"]) == {to_camel(part) for part in facts}
        for part, found in theirs.items():
            # What may be anything has to be of one type inside of a list or a map: text.
            expected = "string" if isinstance(shapes[part], AnyType) else expected_type(shapes[part])
            assert terraform_type(found) == expected, part
            assert found.sensitive == facts[part].secret == ours["properties"][to_camel(part)].get("secret", False), (
                part
            )
            assert not (found.required and found.computed), part


def test_there_are_objects_within_attributes() -> None:
    assert {"Blueprint", "get_databases", "get_database_types"} <= {each[0] for each in NESTED}


@pytest.mark.parametrize("function", package().ephemeral_resources, ids=lambda function: function.name)
def test_an_ephemeral_resource(function: DataSource[Any, Any, Any]) -> None:
    theirs = attributes(TERRAFORM.ephemeral_resource_schemas[function_type(package(), function)])
    given, found = field_specs(function.arguments), field_specs(function.result)
    assert set(theirs) == {*given, *found}
    for name, attribute in theirs.items():
        assert attribute.required == (name in given and given[name].required), name
        assert attribute.sensitive == (name in found and found[name].secret), name


@pytest.mark.parametrize("action", package().actions, ids=lambda action: action.name)
def test_an_action(action: DataSource[Any, Any, Any]) -> None:
    schema = TERRAFORM.action_schemas[function_type(package(), action)].schema
    given, shapes = field_specs(action.arguments), field_types(action.arguments)
    assert set(attributes(schema)) == set(given)
    for name, attribute in attributes(schema).items():
        assert (attribute.required, attribute.optional) == (given[name].required, not given[name].required), name
        expected = "string" if given[name].numeric_id else expected_type(shapes[name])
        assert terraform_type(attribute) == expected, name
        assert not attribute.computed, name


@pytest.mark.parametrize("calculation", package().functions, ids=lambda calculation: calculation.name)
def test_a_provider_function(calculation: ProviderFunction[Any]) -> None:
    signature = TERRAFORM.functions[calculation.name]
    fields = field_specs(calculation.arguments)
    parameters = [*signature.parameters, *([signature.variadic_parameter] if signature.variadic_parameter.name else [])]
    assert [each.name for each in parameters] == list(fields)
    assert all(each.description for each in parameters)
    assert [name for name, facts in fields.items() if facts.variadic] == [
        each.name for each in parameters[len(signature.parameters) :]
    ]
    assert signature.summary


def test_the_settings() -> None:
    theirs, ours = attributes(TERRAFORM.provider), PULUMI["config"]["variables"]
    assert set(ours) == {to_camel(name) for name in theirs}
    for name, attribute in theirs.items():
        assert attribute.optional, name
        assert attribute.sensitive == ours[to_camel(name)].get("secret", False), name


def descriptions(schema: pb.Schema) -> dict[str, str]:
    return {"": schema.block.description, **{name: each.description for name, each in attributes(schema).items()}}


def test_every_text_is_there_and_not_indented() -> None:
    """An indented line would be code in Markdown."""
    families = (TERRAFORM.resource_schemas, TERRAFORM.data_source_schemas, TERRAFORM.ephemeral_resource_schemas)
    schemas = {name: schema for family in families for name, schema in family.items()}
    schemas |= {f"{name} (action)": each.schema for name, each in TERRAFORM.action_schemas.items()}
    for name, schema in schemas.items():
        for attribute, text in descriptions(schema).items():
            assert text, f"{name}.{attribute}"
            assert "\n    " not in text, f"{name}.{attribute}"


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
