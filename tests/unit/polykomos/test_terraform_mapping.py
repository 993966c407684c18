"""The mapping of Terraform's names: each attribute has one property, and each property one attribute."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polykomos.package import package
from resourcekit.pulumi.engine_log import EngineLog
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.schema import package_schema
from resourcekit.pulumi.servicer import ProviderServicer
from resourcekit.pulumi.terraform_mapping import terraform_mapping
from resourcekit.terraform.schema import Attribute, Schema, function_block, resource_block
from resourcekit.terraform_names import function_type, resource_type

MAPPING = json.loads(terraform_mapping(package()))
SCHEMA = package_schema(package())
RESOURCES = {resource_type(package(), each): each for each in package().resources}
FUNCTIONS = {function_type(package(), each): each for each in package().data_sources}
TYPES = {1: "bool", 2: "number", 3: "number", 4: "string", 5: "list", 6: "map", 7: "set", 8: "dynamic"}


def shared(block: Schema) -> dict[str, Attribute]:
    """The attributes of a Terraform schema that are not Terraform's own."""
    return {each.name: each for each in block.attributes if each.name != "timeouts" and "_wo" not in each.name}


def check_attributes(mapped: dict[str, Any], attributes: dict[str, Attribute]) -> None:
    assert mapped.keys() == attributes.keys()
    for name, attribute in attributes.items():
        found = mapped[name]
        assert found.get("required", False) == attribute.required, name
        assert found.get("sensitive", False) == attribute.sensitive, name
        assert found.get("optional", False) == attribute.optional, name
        if attribute.nested:
            inner = found["element"] if attribute.nesting != "map" else found["element"]["schema"]["element"]
            check_attributes(inner["resource"], {each.name: each for each in attribute.nested})


@pytest.mark.parametrize("name", RESOURCES)
def test_the_resources_are_those_of_terraforms_schema(name: str) -> None:
    check_attributes(MAPPING["provider"]["resources"][name], shared(resource_block(RESOURCES[name])))
    token = MAPPING["resources"][name]["tok"]
    properties = {field["name"] for field in MAPPING["resources"][name]["fields"].values()}
    assert properties == SCHEMA["resources"][token]["properties"].keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_data_sources_are_those_of_terraforms_schema(name: str) -> None:
    check_attributes(MAPPING["provider"]["dataSources"][name], shared(function_block(FUNCTIONS[name])))
    function = SCHEMA["functions"][MAPPING["dataSources"][name]["tok"]]
    properties = {field["name"] for field in MAPPING["dataSources"][name]["fields"].values()}
    assert (
        properties == function["outputs"]["properties"].keys() | function.get("inputs", {}).get("properties", {}).keys()
    )


def test_the_mapping_is_given_for_terraform_and_for_this_provider_alone() -> None:
    servicer, context = ProviderServicer(package(), EngineLog()), None
    for key in ("terraform", "tf"):
        assert list(servicer.GetMappings(pb.GetMappingsRequest(key=key), context).providers) == ["polykomos"]
        for provider in ("", "polykomos"):
            reply = servicer.GetMapping(pb.GetMappingRequest(key=key, provider=provider), context)
            assert (reply.provider, json.loads(reply.data)) == ("polykomos", MAPPING)
    assert not servicer.GetMappings(pb.GetMappingsRequest(key="pulumi"), context).providers
    assert not servicer.GetMapping(pb.GetMappingRequest(key="pulumi"), context).data
    assert not servicer.GetMapping(pb.GetMappingRequest(key="terraform", provider="aws"), context).data
