"""The generated SDKs are what Pulumi's generators make of schema.json today, and those of the vendors beside Polykomos
compile. Polykomos' own are compiled and run with the examples (test_examples_run.py).
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.build_cache import built
from support.needs import require
from support.sdk import installed
from support.toolchains import caches

ROOT = Path(__file__).resolve().parents[2]
VENDORS = sorted(path.parent.name for path in (ROOT / "sdk").glob("*/schema.json"))
EXAMPLES = ROOT / "examples"


def files(directory: Path) -> set[str]:
    found = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    return {name for name in found if "__pycache__" not in name}


@pytest.mark.timeout(600)
def test_the_sdks_are_fresh(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "setup", "sdk", tmp_path], check=True)
    assert VENDORS, "the SDKs of other vendors stand beside Polykomos'"
    for folder in ("python", "nodejs", "go", *(f"{v}/{each}" for v in VENDORS for each in ("python", "nodejs", "go"))):
        made, kept = tmp_path / folder, ROOT / "sdk" / folder
        assert files(made) == files(kept)
        _, different, failed = filecmp.cmpfiles(made, kept, sorted(files(made)), shallow=False)
        assert (different, failed) == ([], []), "run `make sdk`"


def run(command: list[str], directory: Path, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **caches(), **env}
    return subprocess.run(command, cwd=directory, env=environment, text=True, capture_output=True, check=False)


def node_modules(into: Path) -> None:
    """Install the packages of the TypeScript example."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(EXAMPLES / "pulumi-typescript" / name, into)
    done = run(["npm", "ci", "--no-audit", "--no-fund"], into)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(600)
def test_the_vendors_sdks_for_typescript_compile(tmp_path: Path) -> None:
    """In one run, which reads the types of Pulumi's own SDK once."""
    require("npm")
    packages = built("node-modules", [EXAMPLES / "pulumi-typescript" / "package-lock.json"], node_modules)
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    options = {"target": "ES2022", "module": "nodenext", "types": ["node"], "strict": True, "skipLibCheck": True}
    files = [f"{vendor}/index.ts" for vendor in VENDORS]
    for vendor in VENDORS:
        shutil.copytree(ROOT / "sdk" / vendor / "nodejs", tmp_path / vendor)
    (tmp_path / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": {**options, "noEmit": True}, "files": files})
    )
    done = run(["node_modules/.bin/tsc"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(600)
def test_the_vendors_sdks_for_go_compile(tmp_path: Path) -> None:
    """With the modules of the Go example, which `make setup` has compiled: all but the packages `config`."""
    require("go")
    text = (EXAMPLES / "pulumi-go" / "go.mod").read_text().replace("../../sdk/go", str(ROOT / "sdk" / "go"))
    modules = {vendor: f"github.com/{vendor}/pulumi-{vendor}/sdk/go" for vendor in VENDORS}
    for vendor, module in modules.items():
        text += f"require {module} v0.1.0\nreplace {module} => {ROOT / 'sdk' / vendor / 'go'}\n"
    (tmp_path / "go.mod").write_text(text)
    shutil.copy(EXAMPLES / "pulumi-go" / "go.sum", tmp_path)
    packages = [f"{module}/{vendor}" for vendor, module in modules.items()]
    done = run(["go", "build", *packages], tmp_path, GOPROXY="off")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_vendors_sdks_for_python_have_every_resource_and_function(vendor: str) -> None:
    schema = json.loads((ROOT / "sdk" / vendor / "schema.json").read_text())
    resources = [token.rpartition(":")[2] for token in schema["resources"]]
    functions = [token.rpartition(":")[2] for token in schema["functions"]]
    program = (
        f"import json, pulumi_{vendor} as sdk\n"
        f"print(json.dumps([[name for name in dir(sdk)], [callable(getattr(sdk, name)) for name in {resources!r}]]))"
    )
    done = run([sys.executable, "-c", program], ROOT, PYTHONPATH=str(installed(vendor)))
    assert done.returncode == 0, done.stderr
    names, is_class = json.loads(done.stdout)
    assert is_class == [True] * len(resources)
    found = {name.replace("_", "").lower() for name in names}
    assert {function.lower() for function in functions} <= found
