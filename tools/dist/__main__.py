"""What `make dist` runs: the wheels, and for each engine an archive that needs nothing but its engine.

    python tools/dist [DIRECTORY]     DIRECTORY: dist/ by default

Two builds of one commit on one machine give the same bytes. Needs binutils: PyInstaller works with it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Steps are printed as `make setup` prints them.
sys.path.append(str(Path(__file__).resolve().parents[1] / "setup"))

from forms import PULUMI, TERRAFORM, Form, glibc_needed, made
from packing import write_checksums, write_tar, write_zip
from staging import Staged, stage
from steps import ROOT, SetupError, run, say, step


def main(argv: list[str]) -> int:
    """Build everything. Returns the exit status."""
    into = Path(argv[0] if argv else ROOT / "dist").absolute()
    # Everything that writes a time writes this one.
    os.environ.setdefault("SOURCE_DATE_EPOCH", _committed())
    try:
        for program in ("objdump", "strip"):
            if shutil.which(program) is None:
                raise SetupError(f"{program} is not on PATH: install binutils")
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as scratch:
            _build(into, Path(scratch))
    except SetupError as failure:
        say(str(failure))
        return 1
    for path in sorted(into.iterdir()):
        print(f"{path.stat().st_size / 1e6:8.1f} MB  {path.name}")
    return 0


def _committed() -> str:
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    return done.stdout.strip() or str(int(time.time()))


def _build(into: Path, scratch: Path) -> None:
    with step("wheels of the provider and of the SDKs for Python"):
        # From copies: building writes beside the sources.
        sdks = [ROOT / "sdk" / "python", *(ROOT / "sdk").glob("*/python")]
        copies = [shutil.copytree(sdk, scratch / f"sdk{number}") for number, sdk in enumerate(sdks)]
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", into]
        run([sys.executable, "-m", "pip", "wheel", *options, ROOT, *copies])
    (wheel,) = into.glob("polykomos_provider-*.whl")
    staged = stage(wheel, scratch / "staged")
    # One core each is what they use.
    with step("programs with an interpreter of their own, by PyInstaller (about 40 s)"), ThreadPoolExecutor() as both:
        trees = list(both.map(lambda form: _archived(form, staged, scratch, into), (PULUMI, TERRAFORM)))
    write_checksums(into / "SHA256SUMS", sorted(into.iterdir()))
    for form, tree in zip((PULUMI, TERRAFORM), trees, strict=True):
        library, floor = glibc_needed(tree)
        say(f"{form.prefix}-*: run with glibc {floor} and later ({library} asks for it)")


def _archived(form: Form, staged: Staged, scratch: Path, into: Path) -> Path:
    """Write the archives of all packages for one engine. Returns the folder of one, whose libraries are those of all."""
    trees = made(form, staged, scratch)
    for package, tree in trees.items():
        program = f"{form.prefix}-{package}"
        if form is PULUMI:
            write_tar(tree, into / f"{program}-v{staged.version}-{_target('-')}.tar.gz")
        else:
            _write_terraform(tree, into, f"{program}_{staged.version}")
    return tree


def _write_terraform(tree: Path, into: Path, prefix: str) -> None:
    """The files of a release in the form of the registries. The publisher signs SHA256SUMS."""
    archive = into / f"{prefix}_{_target('_')}.zip"
    write_zip(tree, archive)
    manifest = into / f"{prefix}_manifest.json"
    manifest.write_text(json.dumps({"version": 1, "metadata": {"protocol_versions": ["6.0"]}}, indent=2) + "\n")
    write_checksums(into / f"{prefix}_SHA256SUMS", [manifest, archive])


def _target(between: str) -> str:
    names = os.uname()
    return names.sysname.lower() + between + {"x86_64": "amd64", "aarch64": "arm64"}.get(names.machine, names.machine)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
