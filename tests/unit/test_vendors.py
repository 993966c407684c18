"""What holds for every vendor's package: names, examples, and that its plugin loads no other vendor."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from resourcekit.fields import field_specs
from resourcekit.package import Package
from resourcekit.provider_config import configure_client
from resourcekit.pulumi.schema import package_schema
from resourcekit.version import VERSION
from support.python import run

VENDORS = ("polykomos", "polnor", "polytomic", "pragma")
# Terraform's meta-arguments: an attribute of such a name cannot be set.
RESERVED = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"}


def package(name: str) -> Package[Any]:
    found: Package[Any] = importlib.import_module(f"{name}.package").package()
    return found


@pytest.mark.parametrize("name", VENDORS)
def test_no_attribute_has_the_name_of_a_meta_argument(name: str) -> None:
    vendor = package(name)
    models = [
        *(model for each in vendor.resources for model in (each.arguments, each.state)),
        *(model for each in (*vendor.data_sources, *vendor.actions) for model in (each.arguments, each.result)),
    ]
    assert models
    assert {field for model in models for field in field_specs(model)} & RESERVED == set()


@pytest.mark.parametrize("name", VENDORS)
def test_every_declaration_has_an_example_for_both_engines_and_the_distributions_version(name: str) -> None:
    vendor = package(name)
    declared = {
        "pulumi-yaml": [*vendor.resources, *vendor.called_functions],
        "terraform": [*vendor.resources, *vendor.data_sources],
    }
    missing = [
        (each.name, engine)
        for engine, those in declared.items()
        for each in those
        if not vendor.example(each.name, engine)
    ]
    assert (missing, vendor.version) == ([], VERSION)
    assert package_schema(vendor)["name"] == name


@pytest.mark.parametrize("name", [each for each in VENDORS if each != "polykomos"])
def test_a_client_is_opened_by_the_declared_credentials(name: str) -> None:
    settings = {"api_key": "key-of-a-test", "base_url": "http://127.0.0.1:9/api/v1"}
    client = configure_client(package(name), settings, "test", lambda _: None)
    assert type(client) is importlib.import_module(f"{name}.api").Client


@pytest.mark.parametrize("name", VENDORS)
def test_a_plugin_loads_its_own_vendor_only_and_no_connection(name: str) -> None:
    code = f"""
from resourcekit.plugin.fast_import import bulk_import
with bulk_import():
    from {name}.package import package
    from resourcekit.terraform.provider_server import ProviderServer
    ProviderServer(package())
import sys
print(sorted({{*{VENDORS!r}, "httpx", "ssl", "controlplane", "pulumi"}} & sys.modules.keys()))
"""
    assert run(code) == str([name])


@pytest.mark.parametrize("name", [each for each in VENDORS if each != "polykomos"])
def test_a_plugins_program_starts_with_almost_nothing(name: str) -> None:
    assert run(f"import sys, {name}; print({{'grpc', 'typing', 'pydantic'}} & {{*sys.modules}})") == "set()"
