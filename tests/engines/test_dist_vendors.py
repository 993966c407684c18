"""The archives of the vendors beside Polykomos, used as on a machine that has an engine and nothing of ours."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import dist
from support.control_plane import ControlPlane, create_database
from support.dist import VENDORS, VERSION, Built, make_bare
from support.naming import unique
from support.pulumi import Stack
from support.terraform import Workspace

# The worker that builds.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dist"), pytest.mark.timeout(600)]

TERRAFORM_VENDORS = """
terraform {{
  required_providers {{
    polnor    = {{ source = "polnor/polnor" }}
    polytomic = {{ source = "polytomic/polytomic" }}
    pragma    = {{ source = "pragma/pragma" }}
  }}
}}
resource "polnor_compute_instance" "it" {{
  name   = "{name}"
  flavor = "cpu.32"
}}
resource "pragma_resource" "it" {{
  provider_name = "postgres"
  resource_type = "database"
  name          = "{name}"
}}
data "polytomic_query" "it" {{
  connection_id = "{connection}"
  query         = "SELECT 1 AS one"
}}
output "rows" {{
  value = data.polytomic_query.it.results
}}
"""


@pytest.fixture(scope="module")
def built() -> Built:
    return dist.built()


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1", "--vendor", "all") as plane:
        yield plane


@pytest.fixture(scope="module")
def vendors(plane: ControlPlane) -> dict[str, str]:
    """What a user exports to reach the other vendors' APIs."""
    bases = {"POLNOR": "polnor/api/v1", "POLYTOMIC": "polytomic", "PRAGMA": "pragma"}
    urls = {f"{name}_BASE_URL": f"{plane.origin}/{path}" for name, path in bases.items()}
    return {**urls, **{f"{name}_API_KEY": plane.api_key for name in bases}}


@pytest.fixture(scope="module")
def database(plane: ControlPlane) -> str:
    with plane.client() as api:
        found: str = create_database(api, unique("archived"))["uuid"]
        return found


def test_the_other_vendors_pulumi_archives_are_plugins(
    tmp_path: Path, built: Built, vendors: dict[str, str], database: str
) -> None:
    stack = Stack(tmp_path / "stack", vendors)
    make_bare(stack, tmp_path, "pulumi", "pulumi-language-yaml")
    stack.uninstall()
    for vendor in VENDORS:
        stack.run("plugin", "install", "resource", vendor, VERSION, "--file", str(built.one(f"*-{vendor}-*.tar.gz")))
    name = unique("archived")
    query = {"connectionId": database, "query": "SELECT 1 AS one"}
    stack.write(
        {
            "instance": ("polnor:ComputeInstance", {"name": name, "flavor": "cpu.32"}),
            "resource": ("pragma:Resource", {"providerName": "postgres", "resourceType": "database", "name": name}),
        },
        {"rows": {"fn::invoke": {"function": "polytomic:getQuery", "arguments": query, "return": "results"}}},
    )
    assert stack.up().ops == {"instance": "create", "resource": "create"}
    assert stack.outputs() == {"rows": [{"one": 1}]}
    stack.destroy()


def test_the_other_vendors_terraform_archives(
    tmp_path: Path, built: Built, vendors: dict[str, str], database: str
) -> None:
    built.write_mirror(tmp_path / "mirror", *VENDORS)
    workspace = Workspace("terraform", tmp_path / "workspace", vendors, tmp_path / "mirror")
    make_bare(workspace, tmp_path)
    workspace.write(TERRAFORM_VENDORS.format(name=unique("zipped"), connection=database), "provider.tf")
    workspace.run("init")
    workspace.apply()
    assert workspace.outputs() == {"rows": [{"one": 1}]}
    workspace.destroy()


@pytest.mark.parametrize("name", ["polykomos", *VENDORS])
def test_an_archive_holds_the_code_of_its_package_alone(name: str, built: Built) -> None:
    with zipfile.ZipFile(built.one(f"*-{name}_*.zip")) as packed:
        names = [Path(entry).parts for entry in packed.namelist()]
    top = {parts[0] for parts in names}
    assert top == {f"terraform-provider-{name}_v{VERSION}", "lib", "LICENSE", "THIRD-PARTY-NOTICES.txt"}
    ours = {"polykomos", "polykomos_provider", *VENDORS}
    expected = {"polykomos", "polykomos_provider"} if name == "polykomos" else {name}
    assert {parts[1] for parts in names if len(parts) > 2} & ours == expected
