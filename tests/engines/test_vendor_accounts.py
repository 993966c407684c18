"""A key of another account removes nothing of the other vendors from a state, though it gets 404 for everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.control_plane import OTHER_KEY, ControlPlane
from support.naming import unique
from support.pulumi import Stack
from support.terraform import Workspace

TOLD = "most likely belongs to another account"
PROVIDER = 'terraform {\n  required_providers {\n    pragma = { source = "pragma/pragma" }\n  }\n}\n'
HCL = """
resource "pragma_resource" "r" {
  count         = 2
  provider_name = "postgres"
  resource_type = "database"
  name          = "NAME-${count.index}"
}
"""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    vendors = ("--vendor", "pragma", "--vendor", "polnor")
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "0", *vendors) as plane:
        yield plane


def test_terraform(tmp_path: Path, plane: ControlPlane) -> None:
    env = {"PRAGMA_BASE_URL": f"{plane.origin}/pragma", "PRAGMA_API_KEY": plane.api_key}
    workspace = Workspace("terraform", tmp_path / "workspace", env, vendors=("pragma",), quick=True)
    workspace.write(PROVIDER, "provider.tf")
    workspace.write(HCL.replace("NAME", unique("db")))
    workspace.apply()
    before = set(workspace.resources())
    workspace.env["PRAGMA_API_KEY"] = OTHER_KEY
    assert TOLD in " ".join(workspace.apply("-refresh-only", ok=False).diagnostics.split())
    assert TOLD in " ".join(workspace.destroy("-refresh=false", ok=False).diagnostics.split())
    assert set(workspace.resources()) == before
    workspace.env["PRAGMA_API_KEY"] = plane.api_key
    workspace.settled()
    with plane.vendor("pragma") as client:
        gone = workspace.resource("pragma_resource.r[0]")["id"]
        client.delete(f"/resources/{gone.replace(':', '%3A')}").raise_for_status()
    assert workspace.plan().actions == {"pragma_resource.r[0]": "create"}
    workspace.destroy()


def test_pulumi(tmp_path: Path, plane: ControlPlane) -> None:
    own = {"POLNOR_BASE_URL": f"{plane.origin}/polnor/api/v1", "POLNOR_API_KEY": plane.api_key}
    stack = Stack(tmp_path / "stack", own, vendors=("polnor",), quick=True)
    arguments = {"flavor": "cpu.32", "autoStop": "never"}
    stack.write({name: ("polnor:ComputeInstance", {"name": unique(name), **arguments}) for name in ("one", "two")})
    stack.up()
    refused = stack.refresh(ok=False, POLNOR_API_KEY=OTHER_KEY)
    assert TOLD in " ".join((refused.diagnostics + refused.output).split())
    assert TOLD in " ".join(stack.destroy(ok=False, POLNOR_API_KEY=OTHER_KEY).output.split())
    stack.assert_no_changes()
    stack.destroy()
