"""What `make dist` builds, used as on a machine that has an engine and nothing of ours: no checkout, no Python
environment, an empty HOME.
"""

from __future__ import annotations

import json
import marshal
import os
import re
import runpy
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from types import CodeType

import pytest

from support import dist
from support.dist import ROOT, VENDORS, VERSION, Built, make_bare
from support.naming import unique
from support.pulumi import Stack
from support.terraform import ENGINES, Workspace

# One worker builds.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dist"), pytest.mark.timeout(600)]

PROGRAM = """
import pulumi
import pulumi_polykomos as polykomos

db = polykomos.Database("db", name="{name}")
pulumi.export("status", db.status)
"""
TERRAFORM = """
resource "polykomos_database" "db" {{
  name = "{name}"
}}
output "kind" {{
  value = data.polykomos_database_types.all.database_types[0].value
}}
data "polykomos_database_types" "all" {{}}
"""


@pytest.fixture(scope="module")
def built() -> Built:
    return dist.built()


def content(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_pulumi_archive_is_a_plugin(stack: Stack, built: Built, tmp_path: Path) -> None:
    make_bare(stack, tmp_path, "pulumi", "pulumi-language-yaml")
    stack.uninstall()
    stack.run("plugin", "install", "resource", "polykomos", VERSION, "--file", str(built.one("*-polykomos-*.tar.gz")))
    (installed,) = Path(stack.env["PULUMI_HOME"]).glob(f"plugins/resource-polykomos-v{VERSION}")
    name, before = unique("archived"), content(installed)
    blueprint = {"name": name, "sqlContent": "CREATE TABLE t (n int);"}
    applied = {"databaseUuid": "${db.uuid}", "blueprintUuid": "${bp.uuid}", "blueprintVersion": "${bp.version}"}
    stack.write(
        {
            "db": ("Database", {"name": name}),
            "bp": ("Blueprint", blueprint),
            "app": ("BlueprintApplication", applied),
        }
    )
    everything = dict.fromkeys(("db", "bp", "app"), "create")
    assert stack.preview().ops == everything
    assert stack.up().ops == everything
    stack.assert_no_changes()
    stack.destroy()
    assert content(installed) == before, "nothing is written beside a plugin"


@pytest.mark.parametrize("engine", ENGINES)
def test_the_terraform_archive_in_a_packed_mirror(
    engine: str,
    new_workspace: Callable[..., Workspace],
    connection: dict[str, str],
    tmp_path: Path,
    built: Built,
) -> None:
    mirror = tmp_path / "mirror"
    built.write_mirror(mirror, "polykomos")
    workspace = new_workspace(engine, connection, mirror)
    make_bare(workspace, tmp_path)
    workspace.write(TERRAFORM.format(name=unique("zipped")))
    workspace.run("init")
    lock = (workspace.directory / ".terraform.lock.hcl").read_text()
    assert re.search(rf'version\s+= "{re.escape(VERSION)}"', lock)
    assert "h1:" in lock
    workspace.apply()
    workspace.settled()
    assert workspace.outputs()["kind"]
    # Verifies what is unpacked against the hash, then, from nothing, what the mirror has.
    workspace.run("init", "-lockfile=readonly")
    shutil.rmtree(workspace.directory / ".terraform")
    workspace.run("init", "-lockfile=readonly")
    workspace.destroy()
    assert (workspace.directory / ".terraform.lock.hcl").read_text() == lock


def test_the_wheels_in_an_empty_environment(new_stack: Callable[..., Stack], built: Built, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.EnvBuilder(with_pip=False).create(home)
    pins = tmp_path / "pins.txt"
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    pins.write_text("\n".join(re.findall(r"^[\w.-]+==[^\s\\]+", lock, re.MULTILINE)))
    # A plugin compiles what it imports; pip would compile ten times as much.
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python"]
    options = ["--quiet", "--no-compile", "-c", pins]
    subprocess.run([*pip, "install", *options, *built.directory.glob("*.whl")], check=True)
    imports = "; ".join(f"import pulumi_{vendor}" for vendor in VENDORS)
    subprocess.run([home / "bin" / "python", "-B", "-c", imports], check=True)
    stack = new_stack(runtime="python")
    stack.uninstall()
    (stack.directory / "__main__.py").write_text(PROGRAM.format(name=unique("wheel")))
    make_bare(stack, tmp_path, "pulumi", "pulumi-language-python", first=str(home / "bin"))
    assert stack.up().ops == {"db": "create"}
    assert stack.outputs() == {"status": "active"}
    stack.assert_no_changes()
    stack.destroy()


def test_checksums_and_manifest(built: Built) -> None:
    prefix = f"terraform-provider-polykomos_{VERSION}"
    # The wheels of the provider and of each SDK; of each package, an archive for Pulumi and three files for Terraform.
    packages = 1 + len(VENDORS)
    for sums, covered in (("SHA256SUMS", 1 + packages * 5), (f"{prefix}_SHA256SUMS", 2)):
        done = subprocess.run(
            ["sha256sum", "--check", "--strict", sums], cwd=built.directory, text=True, capture_output=True, check=True
        )
        assert done.stdout.count(": OK") == covered
    manifest = json.loads((built.directory / f"{prefix}_manifest.json").read_text())
    assert manifest == {"version": 1, "metadata": {"protocol_versions": ["6.0"]}}
    with zipfile.ZipFile(built.one("*-polykomos_*.zip")) as packed:
        names = {entry.filename: entry.external_attr >> 16 for entry in packed.infolist()}
    assert not [name for name in names if name.endswith("/")], "Terraform hashes no folders of what it has unpacked"
    assert names[f"terraform-provider-polykomos_v{VERSION}"] == 0o100755


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def test_nothing_names_the_machine_that_built_it(built: Built) -> None:
    here = [str(path).encode() for path in (ROOT, sys.prefix, sys.base_prefix, built.directory.parent)]
    compiled = 0
    for tree in built.trees:
        for path in tree.rglob("*"):
            assert not path.is_symlink()
            assert path.suffix != ".py", "compiled once, here: no plugin writes __pycache__"
            text = path.read_bytes() if path.is_file() else b""
            # Libraries keep where they were linked; the loader's search path goes before that.
            if not text.startswith(b"\x7fELF"):
                assert not [place for place in here if place in text], path
            if path.suffix == ".pyc":
                compiled += 1
                assert not [code for code in codes(marshal.loads(text[16:])) if code.co_filename.startswith("/")], path
    assert compiled > 500


def test_the_terms_of_all_that_is_bundled_are_there(built: Built) -> None:
    owners = metadata.packages_distributions()
    for tree in built.trees:
        assert (tree / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
        notices = (tree / "THIRD-PARTY-NOTICES.txt").read_text()
        named = set(re.findall(r"^={100}\n(\S+)", notices, re.MULTILINE))
        bundled = {path.name.partition(".")[0] for path in (tree / "lib").iterdir()} & owners.keys()
        assert {"grpc", "httpx", "pydantic"} <= bundled
        for module in bundled - {"polykomos", "polykomos_provider", "resourcekit"}:
            assert {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners[module]} & named, module
        assert "debugpy" not in bundled, "Pulumi's SDK is not in it, nor what that needs"


@pytest.mark.parametrize(("before", "after"), [({}, None), ({"LD_LIBRARY_PATH_ORIG": "/opt/lib"}, "/opt/lib")])
def test_programs_that_the_plugin_starts_load_their_own_libraries(
    before: dict[str, str], after: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LD_LIBRARY_PATH": "/bundle/lib", "_PYI_ARCHIVE_FILE": "/bundle/program", **before}.items():
        monkeypatch.setenv(name, value)
    runpy.run_path(str(ROOT / "tools" / "dist" / "environment.py"))
    assert os.environ.get("LD_LIBRARY_PATH") == after
    assert not [name for name in os.environ if name.startswith("_PYI_")]
