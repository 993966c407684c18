"""The mapping of Terraform's names as the Terraform bridge's own code reads it (tests/clients/bridge-mapping)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polykomos.package import package
from polykomos.version import VERSION
from resourcekit.pulumi.casing import to_camel
from resourcekit.pulumi.schema import package_schema
from resourcekit.pulumi.terraform_mapping import terraform_mapping
from support import go_tests

SCHEMA = package_schema(package())


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the bridge reads: for each Terraform type its token, and the names of its attributes in both directions."""
    directory = tmp_path_factory.mktemp("mapping")
    mapping, names = directory / "mapping.json", directory / "names.json"
    mapping.write_bytes(terraform_mapping(package()))
    env = {"POLYKOMOS_MAPPING": str(mapping), "POLYKOMOS_NAMES": str(names)}
    go_tests.run(go_tests.programs()["bridge-mapping"], "TestNamesOfTheMapping", env, directory)
    found: dict[str, Any] = json.loads(names.read_text())
    return found


def nested(properties: dict[str, Any], prefix: str = "") -> set[str]:
    """The paths of properties, with those of the objects below them."""
    found = set()
    for name, spec in properties.items():
        found.add(prefix + name)
        inner = spec
        while inner.get("items") or inner.get("additionalProperties"):
            inner = inner.get("items") or inner["additionalProperties"]
        if inner.get("$ref", "").startswith("#/types/"):
            found |= nested(SCHEMA["types"][inner["$ref"].removeprefix("#/types/")]["properties"], f"{prefix}{name}.")
    return found


def pulumi_paths(names: dict[str, Any]) -> set[str]:
    """The Pulumi path of every Terraform path."""
    return {
        ".".join(names[".".join(parts[: n + 1])]["pulumi"] for n in range(len(parts)))
        for parts in (path.split(".") for path in names)
    }


def test_the_bridge_reads_every_token_and_every_name(read: dict[str, Any]) -> None:
    assert read[""]["token"] == f"polykomos@{VERSION}"
    resources = {entry["token"]: entry for name, entry in read.items() if name and not name.startswith("data.")}
    assert resources.keys() == {token for token, entry in SCHEMA["resources"].items() if not entry.get("isComponent")}
    for token, entry in resources.items():
        assert pulumi_paths(entry["names"]) - {"id"} == nested(SCHEMA["resources"][token]["properties"]), token
    functions = {entry["token"]: entry for name, entry in read.items() if name.startswith("data.")}
    # Terraform's actions are functions on Pulumi only: a mapping has no place for them.
    assert functions.keys() == {f"polykomos:index:{to_camel(each.name)}" for each in package().data_sources}
    for token, entry in functions.items():
        both = (SCHEMA["functions"][token].get(each, {}).get("properties", {}) for each in ("inputs", "outputs"))
        assert pulumi_paths(entry["names"]) == set().union(*map(nested, both)), token
    assert pulumi_paths(read[""]["names"]) == nested(SCHEMA["provider"]["inputProperties"])


def test_each_name_leads_back(read: dict[str, Any]) -> None:
    for type_, entry in read.items():
        for path, name in entry["names"].items():
            assert name["back"] == path.rpartition(".")[2], f"{type_}: {path}"
    types = {path: name["type"] for path, name in read["polykomos_webhook_endpoint"]["names"].items()}
    assert types["events"] == "Set"
