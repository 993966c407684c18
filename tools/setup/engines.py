"""The engines: used from PATH where a good version is found, else built from the pinned Go modules and cached.

The cache is outside the repository (`$POLYKOMOS_CACHE`, else the user's cache directory), keyed by each module's lock
file, so a second clone on the same machine builds nothing. Terraform alone is never built: its licence leaves that to
whoever runs it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from steps import ROOT, Failed, run, say, step

_PULUMI = ROOT / "tools" / "engines"
# Modules of their own: OpenTofu replaces a module that the others use as it is.
_TOFU = _PULUMI / "tofu"
_BASELINE = _PULUMI / "baseline"
_SHIMS = _PULUMI / "language-python"


def cache() -> Path:
    """Where everything is kept that a second clone need not make again."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("POLYKOMOS_CACHE") or Path(home) / "polykomos")


@dataclass(frozen=True)
class Engine:
    """One program. module: the Go module that pins it; package: its main package there; floor: the oldest version that
    is used from PATH.
    """

    program: str
    module: Path
    package: str
    floor: tuple[int, int]
    flags: str = ""
    minutes: int = 1

    @property
    def home(self) -> Path:
        """Where it is built to: by the module's lock file."""
        lock = (self.module / "go.mod").read_bytes() + (self.module / "go.sum").read_bytes()
        return cache() / "engines" / hashlib.sha256(lock).hexdigest()[:16]

    @property
    def built(self) -> Path:
        """The program, once it is built."""
        return self.home / self.program


ENGINES = (
    Engine(
        "pulumi",
        _PULUMI,
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        (3, 200),
        # Without it the version is empty, and the SDKs refuse an engine of no version.
        "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.255.0",
        minutes=4,
    ),
    Engine("pulumi-language-yaml", _PULUMI, "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml", (1, 10)),
    Engine("tofu", _TOFU, "github.com/opentofu/opentofu/cmd/tofu", (1, 11), minutes=3),
)

# Pulumi's own SDK generators as a program; only `make sdk` needs it.
GENSDK = Engine("gensdk", _PULUMI, "./gensdk", (0, 0))
# The Go providers that ours is measured against; only `make bench` needs them.
BASELINE = Engine("terraform-provider-baseline", _BASELINE, ".", (0, 0))
RESTFUL = Engine(
    "terraform-provider-restful", _PULUMI / "restful", "github.com/magodo/terraform-provider-restful", (0, 0)
)


def write_sdks(target: Path) -> None:
    """Generate the SDKs of schema.json into `target`/python, /nodejs and /go."""
    make(GENSDK)
    run([GENSDK.built, ROOT / "schema.json", target])


def search_path() -> list[Path]:
    """What belongs on PATH: the built engines, and our Python hosts where the official ones are missing."""
    official = shutil.which("pulumi-language-python")
    built = list(dict.fromkeys(engine.home for engine in (*ENGINES, BASELINE, RESTFUL)))
    return built if official and not official.startswith(str(_SHIMS)) else [*built, _SHIMS]


def prepare() -> None:
    """Make every engine available. Raises Failed, naming the engine and what is missing."""
    for engine in ENGINES:
        make(engine)
    terraform = shutil.which("terraform")
    say(f"terraform: {terraform}" if terraform else "terraform: not on PATH; the tests that need it will fail")


def prepare_peers() -> None:
    """What `make bench` measures ours against. The one whose module cannot be had is left out, by its name."""
    make(BASELINE)
    try:
        make(RESTFUL)
    except Failed as failed:
        say(f"{RESTFUL.program} is left out: {failed}")


def make(engine: Engine) -> None:
    """Make one engine available."""
    found = _on_path(engine)
    if found:
        say(f"{engine.program}: {found}")
    elif engine.built.exists():
        say(f"{engine.program}: built earlier")
    else:
        with step(f"{engine.program}: building from its Go module (about {engine.minutes} min)"):
            _build(engine)


def _on_path(engine: Engine) -> str | None:
    """`version at path` when PATH has a good one. The pulumi that brings its own yaml host is taken with it."""
    path = shutil.which(engine.program)
    if path is None or path.startswith(str(engine.home)) or engine.floor == (0, 0):
        return None
    if engine.program.startswith("pulumi-"):
        return path
    version = subprocess.run([path, "version"], text=True, capture_output=True, check=False).stdout.partition("\n")[0]
    numbers = re.search(r"v?(\d+)\.(\d+)", version)
    if not numbers or (int(numbers[1]), int(numbers[2])) < engine.floor:
        say(f"{engine.program}: {version or 'no version'} at {path} is too old, building our own")
        return None
    return f"{version} at {path}"


def _build(engine: Engine) -> None:
    go = shutil.which("go")
    if go is None:
        raise Failed(
            f"{engine.program} is not on PATH, and there is no Go (1.26 or later) to build it with: install either"
        )
    into = engine.home
    into.mkdir(parents=True, exist_ok=True)
    # Built aside and moved: a build that is interrupted, or two at once, never leaves half a program.
    with tempfile.TemporaryDirectory(dir=into) as aside:
        target = Path(aside) / engine.program
        command = [go, "build", "-trimpath", "-ldflags", f"-s -w {engine.flags}", "-o", target, engine.package]
        run(command, cwd=engine.module)
        target.replace(engine.built)
