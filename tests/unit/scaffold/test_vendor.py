"""The folder that `resourcekit new` writes: every engine accepts it, and it declares what the document says."""

from __future__ import annotations

import importlib
import importlib.resources
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import polykomos.package
from resourcekit.cli import main
from resourcekit.fields import field_specs
from resourcekit.package import Package
from resourcekit.planning.validate import validate_declaration
from resourcekit.pulumi.schema import package_schema
from resourcekit.terraform.schema import function_block, resource_block

DOCUMENTS = Path(__file__).with_name("documents")
CONTROL_PLANE = importlib.resources.files("controlplane").joinpath("openapi", "openapi.json")


@pytest.fixture(scope="module", params=["petstore", "museum", "reference"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Package[Any]]:
    """The package that was written from a document."""
    name = f"{request.param}made"
    output = tmp_path_factory.mktemp(name)
    document = CONTROL_PLANE if request.param == "reference" else DOCUMENTS / f"{request.param}.yaml"
    result = CliRunner().invoke(main, ["new", name, "--openapi", str(document), "--output", str(output)])
    assert result.exit_code == 0, result.output
    assert "places say TODO" in result.output
    sys.path.insert(0, str(output))
    try:
        yield importlib.import_module(f"{name}.package").package()
    finally:
        sys.path.remove(str(output))
        for module in [each for each in sys.modules if each.split(".")[0] == name]:
            del sys.modules[module]


def test_engines_accept_every_declaration(written: Package[Any]) -> None:
    schema = package_schema(written)
    assert len(schema["resources"]) == len(written.resources) > 0
    for resource in written.resources:
        assert resource_block(resource).attributes
        validate_declaration(resource, {})  # builds the validator of every argument
    for source in written.data_sources:
        assert function_block(source).attributes is not None


@pytest.mark.parametrize("written", ["reference"], indirect=True)
def test_the_database_is_declared_as_the_one_written_by_hand(written: Package[Any]) -> None:
    generated = next(each for each in written.resources if each.name == "Database")
    by_hand = next(each for each in polykomos.package.package().resources if each.name == "Database")
    mine, theirs = field_specs(generated.arguments), field_specs(by_hand.arguments)
    shared = mine.keys() & theirs.keys()
    # By hand: two settings of the provider's own. The quotas change by a call of their own, the blueprint's never.
    assert theirs.keys() - mine.keys() == {"deletion_protection", "store_credentials"}
    assert mine.keys() - theirs.keys() == set()
    differing = {name for name in shared if mine[name].requires_replace != theirs[name].requires_replace}
    assert differing == {
        *("storage_hard_limit_gb", "connection_hard_limit", "warning_threshold_pct"),
        *("blueprint_uuid", "blueprint_variables"),
    }
    assert {name for name in shared if mine[name].required != theirs[name].required} == set()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "api.py").write_text("mine", encoding="utf-8")
    arguments = ["new", "store", "--openapi", str(DOCUMENTS / "petstore.yaml"), "--output", str(tmp_path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "exists: choose another name or another --output" in result.output
    assert [each.name for each in (tmp_path / "store").iterdir()] == ["api.py"]


@pytest.mark.parametrize(("name", "message"), [("Store", "lower-case letters"), ("9s", "a letter first")])
def test_a_name_that_no_package_can_have_is_refused(name: str, message: str) -> None:
    result = CliRunner().invoke(main, ["new", name, "--openapi", str(DOCUMENTS / "petstore.yaml")])
    assert result.exit_code != 0
    assert message in result.output


def test_a_document_without_operations_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "empty.yaml"
    document.write_text("openapi: 3.1.0\ninfo: {title: Empty}\npaths: {}\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["new", "empty", "--openapi", str(document), "--output", str(tmp_path)])
    assert result.exit_code == 1
    assert "no operation with a JSON response that a provider could use" in result.output
