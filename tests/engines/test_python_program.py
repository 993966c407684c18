"""A program in Python, with the generated SDK, on the Python language host (the official one or tools/engines')."""

from __future__ import annotations

from collections.abc import Callable

from support.naming import unique
from support.pulumi import Stack
from support.sdk import python_path

PROGRAM = """
import pulumi
import pulumi_polykomos as polykomos

schema = polykomos.Blueprint(
    "schema",
    name="{name}",
    sql_content="CREATE TABLE t (n int DEFAULT {{{{n}}}});",
    variables={{"n": polykomos.BlueprintVariableArgs(type="number", default=3)}},
)
db = polykomos.Database("db", name="{name}", warning_threshold_pct=70)
polykomos.BlueprintApplication(
    "app", database_uuid=db.uuid, blueprint_uuid=schema.uuid, blueprint_version=schema.version, variables={{"n": 4}}
)
pulumi.export("url", db.connection_string)
pulumi.export("mine", polykomos.get_database_output(uuid=db.uuid).apply(lambda found: found.name))
"""


def test_a_program_in_python(new_stack: Callable[..., Stack], connection: dict[str, str]) -> None:
    stack = new_stack({**connection, "PYTHONPATH": python_path()}, runtime="python")
    name = unique("py")
    (stack.directory / "__main__.py").write_text(PROGRAM.format(name=name))
    assert stack.preview().ops == {"schema": "create", "db": "create", "app": "create"}
    stack.up()
    assert stack.outputs()["mine"] == name
    assert stack.outputs()["url"].startswith("postgresql://")
    assert "[secret]" in stack.run("stack", "output").output
    stack.assert_no_changes()
    stack.destroy()
