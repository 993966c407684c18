"""Builds of pinned Go modules into the cache, keyed by each module's lock file and the build's flags.

docs/decisions/0050-engine-builds.md has the figures behind the flags.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cache
from go_toolchain import Go
from steps import run, step

_TAGS = "disable_pgv,grpcnotrace"
# Clients of clouds, for states and secrets that no stack of this repository has: a third to a half of the code. They
# are compiled without inlining, in half the time. The rest of an engine runs as fast as a released one.
_CLOUDS = (
    "cloud.google.com/...",
    "github.com/aliyun/...",
    "github.com/aws/...",
    "github.com/Azure/...",
    "github.com/envoyproxy/...",
    "github.com/pb33f/...",
    "github.com/prometheus/...",
    "go.opentelemetry.io/...",
    "gocloud.dev/...",
    "google.golang.org/api/...",
    "k8s.io/...",
)
# No debug information: nobody debugs these builds, and it is a tenth of the compiler's work.
_COMPILER_FLAGS = ("all=-dwarf=false", *(f"{packages}=-l -dwarf=false" for packages in _CLOUDS))
# The compiler's own garbage collection, in percent: less of it for some 100 MB more memory a compilation.
_COLLECTION = "400"


@dataclass(frozen=True)
class Program:
    """One program.

    Attributes:
        package: Its main package.
        is_engine: A user may have it: PATH is searched for it.
        floor: The oldest version that is used from PATH, where its versions are its engine's.
        process: The name of its process, if another one: the program is then a link to a file of this name.
    """

    name: str
    package: str
    is_engine: bool = False
    floor: tuple[int, int] | None = None
    process: str = ""


@dataclass(frozen=True)
class Module:
    """A Go module of this repository that pins programs."""

    directory: Path
    programs: tuple[Program, ...]
    link_flags: str = ""

    @property
    def home(self) -> Path:
        """The directory that its programs are built into."""
        lock = (self.directory / "go.mod").read_bytes() + (self.directory / "go.sum").read_bytes()
        key = hashlib.sha256(b"\0".join([lock, _TAGS.encode(), "\0".join(_COMPILER_FLAGS).encode()]))
        return cache.directory() / "engines" / key.hexdigest()[:16]

    def built(self, program: Program) -> bool:
        """Tell whether a program was built already."""
        return (self.home / program.name).exists()


def fetch(go: Go, module: Module, programs: Sequence[Program]) -> None:
    """Download the modules that these programs are made of."""
    with step(f"{_names(programs)}: downloading its Go modules"):
        packages = [program.package for program in programs]
        run([go.program, "list", "-deps", "-tags", _TAGS, *packages], cwd=module.directory, env=go.env)


def build(go: Go, module: Module, programs: Sequence[Program]) -> None:
    """Build programs of one module in one command, so that they share what they have in common."""
    module.home.mkdir(parents=True, exist_ok=True)
    flags = ["-trimpath", "-tags", _TAGS, "-ldflags", f"-s -w {module.link_flags}"]
    flags += [f"-gcflags={each}" for each in _COMPILER_FLAGS]
    # Built aside and moved: a build that is interrupted, or two at once, never leaves half a program.
    with step(f"{_names(programs)}: building"), tempfile.TemporaryDirectory(dir=module.home) as aside:
        packages = [program.package for program in programs]
        env = {"GOGC": _COLLECTION, **go.env}
        run([go.program, "build", *flags, "-o", f"{aside}/", *packages], cwd=module.directory, env=env)
        for program in programs:
            # `go build` names a program after the last part of its package, `.` after its module.
            names = (program.name, program.process, module.directory.name)
            made = next(path for path in Path(aside).iterdir() if path.name in names)
            _install(made, module.home, program)


def _install(made: Path, home: Path, program: Program) -> None:
    """Move a program into its directory."""
    if not program.process:
        made.replace(home / program.name)
        return
    file = home / f"{program.name}-bin" / program.process
    file.parent.mkdir(exist_ok=True)
    made.replace(file)
    (home / program.name).unlink(missing_ok=True)
    (home / program.name).symlink_to(file)


def _names(programs: Sequence[Program]) -> str:
    return " and ".join(program.name for program in programs)
