"""What `make dist` builds, and a machine that has an engine and nothing of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from support import build_cache
from support.needs import require
from support.pulumi import Stack
from support.terraform import Workspace

ROOT = Path(__file__).resolve().parents[2]
VERSION = metadata.version("polykomos-provider")
# What `tools/dist` reads.
SOURCES = [
    ROOT / name
    for name in (
        *("provider", "sdk", "tools/dist", "tools/setup", "requirements", "pyproject.toml"),
        *("README.md", "LICENSE", "CHANGELOG.md"),
    )
]
VENDORS = ("polnor", "polytomic", "pragma")


@dataclass(frozen=True)
class Built:
    """dist/, and Polykomos' two archives unpacked. Nothing may be written there."""

    directory: Path
    pulumi: Path
    terraform: Path

    @property
    def trees(self) -> tuple[Path, Path]:
        return self.pulumi, self.terraform

    def one(self, pattern: str) -> Path:
        (found,) = self.directory.glob(pattern)
        return found

    def write_mirror(self, mirror: Path, *names: str) -> None:
        """Write the packed filesystem mirror that the manual describes."""
        for name in names:
            for host in ("registry.terraform.io", "registry.opentofu.org"):
                place = mirror / host / name / name
                place.mkdir(parents=True)
                shutil.copy(self.one(f"*-{name}_*.zip"), place)


def built() -> Built:
    """Return the archives of these sources, which one machine builds once."""
    into = build_cache.built("dist", SOURCES, _build)
    return Built(into / "dist", into / "pulumi", into / "terraform")


def _build(into: Path) -> None:
    made = Built(into / "dist", into / "pulumi", into / "terraform")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "dist", made.directory], text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with tarfile.open(made.one("*-polykomos-*.tar.gz")) as packed:
        packed.extractall(made.pulumi, filter="data")
    shutil.unpack_archive(made.one("*-polykomos_*.zip"), made.terraform)
    for path in made.terraform.glob("terraform-provider-*"):
        path.chmod(0o755)  # which Python's unzipping forgets


def make_bare(of: Stack | Workspace, place: Path, *programs: str, first: str = "") -> None:
    """Take from a stack or workspace the environment of this machine; leave it its settings and these programs.

    place: an empty directory; first: what comes first on PATH.
    """
    binaries, home = place / "bin", place / "empty-home"
    for directory in (binaries, home):
        directory.mkdir()
    for program in programs:
        (binaries / program).symlink_to(require(program))
    settings = ("POLYKOMOS_", "POLNOR_", "POLYTOMIC_", "PRAGMA_", "PULUMI_", "TF_CLI", "VAULT_")
    kept = {name: value for name, value in of.env.items() if name.startswith(settings)}
    path = os.pathsep.join(filter(None, [first, str(binaries), "/usr/bin:/bin"]))
    of.env = {**kept, "HOME": str(home), "PATH": path}
