"""Every example of the documentation is a program that the real engine runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.control_plane import ControlPlane
from support.pulumi import Stack

pytestmark = pytest.mark.xdist_group("examples")

DOCS = Path(__file__).resolve().parents[2] / "provider" / "polykomos" / "docs"
EXAMPLES = sorted(path.name.removesuffix(".pulumi-yaml.yaml") for path in DOCS.glob("*.pulumi-yaml.yaml"))


def test_there_is_one_for_each_resource_component_and_function() -> None:
    from polykomos.package import package

    declared = [*package().resources, *package().components, *package().called_functions]
    assert sorted(each.name for each in declared) == EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example: str, estate: ControlPlane, new_stack: Callable[..., Stack]) -> None:
    stack = new_stack({"POLYKOMOS_BASE_URL": estate.base_url, "POLYKOMOS_API_KEY": estate.api_key})
    shutil.copy(DOCS / f"{example}.pulumi-yaml.yaml", stack.directory / "Pulumi.yaml")
    stack.run("stack", "init", "dev")
    if example == "webhook_test":  # nothing receives at its URL
        assert "was not accepted" in stack.up(ok=False).output
        stack.destroy()
        return
    stack.up()
    stack.assert_no_changes()
    stack.destroy(ok=example != "Database")  # that one is protected, as its example shows
