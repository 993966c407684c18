"""Generated names on the real engine: its proposal, its modes and its random seed, in every kind of resource."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx

from support.control_plane import database_names
from support.naming import unique
from support.pulumi import Stack

SQL = {"sqlContent": "SELECT 1"}
SUFFIX = "-[0-9a-f]{7}"


def name_of(stack: Stack, resource: str) -> str:
    return str(stack.resource(resource)["outputs"]["name"])


def configure(stack: Stack, **autonaming: str) -> None:
    """Replace `pulumi:autonaming` of the stack."""
    lines = ["config:", "  pulumi:autonaming:", *(f"    {key}: {value}" for key, value in autonaming.items())]
    (stack.directory / "Pulumi.dev.yaml").write_text("\n".join(lines) + "\n")


def test_names_that_the_program_leaves_out(stack: Stack, api: httpx.Client) -> None:
    resources: dict[str, Any] = {
        "My_Db": ("Database", {"region": "us-east-1"}),
        "bp": ("Blueprint", SQL),
        "managed": ("ManagedDatabase", {}),
    }
    stack.write(resources)
    # A plan holds the random seed, so the names are those that it shows.
    plan = str(stack.directory / "plan.json")
    experimental = {"PULUMI_EXPERIMENTAL": "true"}
    stack.preview("--save-plan", plan, **experimental)
    planned = (stack.directory / "plan.json").read_text()
    stack.up("--plan", plan, **experimental)
    patterns = {"My_Db": f"my-db{SUFFIX}", "bp": f"bp{SUFFIX}", "managed-database": f"managed-database{SUFFIX}"}
    names = {name: name_of(stack, name) for name in patterns}
    for name, pattern in patterns.items():
        assert re.fullmatch(pattern, names[name]), names
        assert f'"{names[name]}"' in planned, "the seed alone determines the name"
    stack.assert_no_changes()

    # Kept when other arguments change, after a refresh, and whatever the configuration says later.
    configure(stack, mode="disabled")
    resources["My_Db"][1]["connectionHardLimit"] = 7
    stack.write(resources)
    assert stack.up("--refresh").ops == {"My_Db": "update"}
    assert name_of(stack, "My_Db") == names["My_Db"]

    # A new object gets a new name: both exist for a moment.
    configure(stack, mode="default")
    resources["My_Db"][1]["region"] = "eu-west-1"
    stack.write(resources)
    assert stack.up().replaces == {"My_Db": ["region"]}
    assert re.fullmatch(patterns["My_Db"], name_of(stack, "My_Db"))
    assert name_of(stack, "My_Db") != names["My_Db"]
    stack.destroy()


def test_the_modes_of_the_stacks_configuration(stack: Stack) -> None:
    name = unique("verbatim")
    stack.write({name: ("Database", {}), "bp": ("Blueprint", SQL)})
    configure(stack, mode="disabled")
    refused = stack.preview(ok=False).output
    assert refused.count("`pulumi:autonaming` in the stack's configuration disables generated names") >= 2

    configure(stack, mode="verbatim")
    stack.write({"Bad_Name": ("Database", {})})
    assert "enforces the name 'Bad_Name', which is invalid" in stack.preview(ok=False).output
    stack.write({name: ("Database", {}), "bp": ("Blueprint", SQL)})
    stack.up()
    assert (name_of(stack, name), name_of(stack, "bp")) == (name, "bp")

    configure(stack, pattern='"${name}_${project}-${stack}"')
    stack.write({name: ("Database", {}), "bp": ("Blueprint", SQL), "Later": ("Database", {})})
    assert stack.up().ops == {"Later": "create"}
    assert name_of(stack, "Later") == "later-story-dev", "a proposal is made valid"
    stack.destroy()


def test_the_dynamic_provider_generates_names_too(
    new_stack: Callable[..., Stack], control_plane: Any, api: httpx.Client
) -> None:
    stack = new_stack(None, runtime="python")
    head = "import pulumi\nfrom polykomos_provider import dynamic as polykomos\n\n"
    program = stack.directory / "__main__.py"
    program.write_text(head + "polykomos.Database('db')\npolykomos.Blueprint('bp', sql_content='SELECT 1')\n")
    stack.up()
    name, id_ = name_of(stack, "db"), stack.resource("db")["id"]
    assert re.fullmatch(f"db{SUFFIX}", name)
    assert re.fullmatch(f"bp{SUFFIX}", name_of(stack, "bp"))
    program.write_text(head + "polykomos.Database('db', connection_hard_limit=7)\n")
    assert stack.up().ops == {"db": "update", "bp": "delete"}
    assert (name_of(stack, "db"), stack.resource("db")["id"]) == (name, id_)

    # An import needs no name either; what the configuration enforces holds for new objects.
    configure(stack, mode="verbatim")
    other = unique("dynamic")
    imported = f"polykomos.Database('seen', pulumi.ResourceOptions(import_='{id_}'))\n"
    program.write_text(
        head + f"polykomos.Database('db', connection_hard_limit=7)\npolykomos.Database('{other}')\n" + imported
    )
    assert stack.up().ops == {other: "create", "seen": "create"}
    assert (name_of(stack, other), name_of(stack, "seen")) == (other, name)
    assert other in database_names(control_plane)
    configure(stack, mode="disabled")
    program.write_text(head + "polykomos.Database('another')\n")
    assert "disables generated names" in stack.up(ok=False).output
