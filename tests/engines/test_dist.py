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
import tarfile
import venv
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import CodeType

import pytest

from support import build_cache
from support.naming import unique
from support.needs import require
from support.pulumi import Stack
from support.terraform import ENGINES, Workspace

ROOT = Path(__file__).resolve().parents[2]
VERSION = metadata.version("polykomos-provider")
# What `tools/dist` reads.
SOURCES = [
    ROOT / name
    for name in (
        *("provider", "sdk/python", "tools/dist", "tools/setup", "requirements", "pyproject.toml"),
        *("README.md", "LICENSE", "CHANGELOG.md"),
    )
]
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


@dataclass(frozen=True)
class Built:
    """dist/, and the two archives unpacked. Nothing may be written there."""

    directory: Path
    pulumi: Path
    terraform: Path

    @property
    def trees(self) -> tuple[Path, Path]:
        return self.pulumi, self.terraform

    def one(self, pattern: str) -> Path:
        (found,) = self.directory.glob(pattern)
        return found


@pytest.fixture(scope="module")
def built() -> Built:
    """The archives of these sources, which one machine builds once."""
    into = build_cache.built("dist", SOURCES, build)
    return Built(into / "dist", into / "pulumi", into / "terraform")


def build(into: Path) -> None:
    made = Built(into / "dist", into / "pulumi", into / "terraform")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "dist", made.directory], text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with tarfile.open(made.one("*.tar.gz")) as packed:
        packed.extractall(made.pulumi, filter="data")
    shutil.unpack_archive(made.one("*.zip"), made.terraform)
    for path in made.terraform.glob("terraform-provider-*"):
        path.chmod(0o755)  # which Python's unzipping forgets


@pytest.fixture
def bare(tmp_path: Path) -> Callable[..., None]:
    """Takes from a stack or workspace the environment of this machine; leaves it its settings and these programs."""

    def strip(of: Stack | Workspace, *programs: str, first: str = "") -> None:
        place = tmp_path / "bin"
        place.mkdir()
        for program in programs:
            (place / program).symlink_to(require(program))
        settings = ("POLYKOMOS_", "PULUMI_", "TF_CLI", "VAULT_")
        kept = {name: value for name, value in of.env.items() if name.startswith(settings)}
        home = tmp_path / "empty-home"
        home.mkdir()
        path = os.pathsep.join(filter(None, [first, str(place), "/usr/bin:/bin"]))
        of.env = {**kept, "HOME": str(home), "PATH": path}

    return strip


def content(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_pulumi_archive_is_a_plugin(stack: Stack, built: Built, bare: Callable[..., None]) -> None:
    bare(stack, "pulumi", "pulumi-language-yaml")
    stack.uninstall()
    stack.run("plugin", "install", "resource", "polykomos", VERSION, "--file", str(built.one("*.tar.gz")))
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
    bare: Callable[..., None],
) -> None:
    mirror = tmp_path / "mirror"
    for host in ("registry.terraform.io", "registry.opentofu.org"):
        place = mirror / host / "polykomos" / "polykomos"
        place.mkdir(parents=True)
        shutil.copy(built.one("*.zip"), place)
    workspace = new_workspace(engine, connection, mirror)
    bare(workspace)
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


def test_the_wheels_in_an_empty_environment(
    new_stack: Callable[..., Stack], built: Built, tmp_path: Path, bare: Callable[..., None]
) -> None:
    home = tmp_path / "venv"
    venv.EnvBuilder(with_pip=False).create(home)
    pins = tmp_path / "pins.txt"
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    pins.write_text("\n".join(re.findall(r"^[\w.-]+==[^\s\\]+", lock, re.MULTILINE)))
    # A plugin compiles what it imports; pip would compile ten times as much.
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python"]
    options = ["--quiet", "--no-compile", "-c", pins]
    subprocess.run([*pip, "install", *options, *built.directory.glob("*.whl")], check=True)
    stack = new_stack(runtime="python")
    stack.uninstall()
    (stack.directory / "__main__.py").write_text(PROGRAM.format(name=unique("wheel")))
    bare(stack, "pulumi", "pulumi-language-python", first=str(home / "bin"))
    assert stack.up().ops == {"db": "create"}
    assert stack.outputs() == {"status": "active"}
    stack.assert_no_changes()
    stack.destroy()


def test_checksums_and_manifest(built: Built) -> None:
    prefix = f"terraform-provider-polykomos_{VERSION}"
    for sums, covered in (("SHA256SUMS", 6), (f"{prefix}_SHA256SUMS", 2)):
        done = subprocess.run(
            ["sha256sum", "--check", "--strict", sums], cwd=built.directory, text=True, capture_output=True, check=True
        )
        assert done.stdout.count(": OK") == covered
    manifest = json.loads((built.directory / f"{prefix}_manifest.json").read_text())
    assert manifest == {"version": 1, "metadata": {"protocol_versions": ["6.0"]}}
    with zipfile.ZipFile(built.one("*.zip")) as packed:
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
