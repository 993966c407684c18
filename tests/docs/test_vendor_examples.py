"""The examples of further vendors fit their schemas: Pulumi's by the schema, Terraform's by one `validate` each."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.terraform import Workspace

ROOT = Path(__file__).resolve().parents[2]
VENDORS = tuple(sorted(path.parent.name for path in (ROOT / "sdk").glob("*/schema.json")))


def examples(vendor: str, suffix: str) -> list[Path]:
    return sorted((ROOT / "provider" / vendor / "docs").glob(f"*{suffix}"))


def fits(given: dict[str, Any], declared: dict[str, Any]) -> None:
    assert given.keys() <= declared["properties"].keys()
    assert set(declared.get("required", ())) <= given.keys()


@pytest.mark.parametrize("vendor", VENDORS)
def test_pulumi_examples_fit_the_schema(vendor: str) -> None:
    schema = json.loads((ROOT / "sdk" / vendor / "schema.json").read_text(encoding="utf-8"))
    for path in examples(vendor, ".pulumi-yaml.yaml"):
        program = yaml.safe_load(path.read_text(encoding="utf-8"))
        for resource in program.get("resources", {}).values():
            declared = schema["resources"][resource["type"].replace(":", ":index:")]
            fits(
                resource["properties"],
                {"properties": declared["inputProperties"], "required": declared["requiredInputs"]},
            )
        for variable in program.get("variables", {}).values():
            call = variable["fn::invoke"]
            function = schema["functions"][call["function"].replace(":", ":index:")]
            fits(call.get("arguments", {}), {"properties": {}, **function.get("inputs", {})})
            for output in re.findall(r"\$\{\w+\.(\w+)", json.dumps(program.get("outputs", {}))):
                assert output in function["outputs"]["properties"], f"{path.name}: {output}"


@pytest.mark.engine
@pytest.mark.parametrize("vendor", VENDORS)
def test_terraform_examples_are_valid(vendor: str, tmp_path: Path) -> None:
    workspace = Workspace("terraform-1.16", tmp_path / "it", {})
    source = f'{vendor} = {{ source = "{vendor}/{vendor}" }}'
    workspace.write(f"terraform {{\n  required_providers {{\n    {source}\n  }}\n}}\n", "provider.tf")
    for number, path in enumerate(examples(vendor, ".terraform.tf")):
        # In one module, names of outputs and of blocks must differ.
        text = re.sub(
            r'(output|resource "\w+"|action "\w+"|data "\w+") "(\w+)"', rf'\1 "\2_{number}"', path.read_text("utf-8")
        )
        text = re.sub(rf"\b((?:data\.|action\.)?{vendor}_\w+)\.(\w+)", rf"\1.\2_{number}", text)
        workspace.write(text, f"example{number}.tf")
    (workspace.directory / "provider.tar.gz").touch()  # Pragma's example takes its hash
    workspace.run("validate", ok=0)
