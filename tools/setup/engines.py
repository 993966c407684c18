"""The engines and where each comes from: PATH, the cache, Pulumi's installer, or a build of its pinned Go module.

`POLYKOMOS_ENGINES` narrows the choice. `path`: nothing but PATH. `download`: Pulumi by its installer, the rest built.
`build`: all built, whatever PATH has. Unset: PATH first, then the installer, then a build; with `CI=true` without the
attempt to download. Terraform's floor comes from PATH. Its newest version is built for the tests of this repository
and for nothing else (docs/decisions/0070-terraform-build.md).
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cache
import go_build
import pulumi_installer
from go_build import Module, Program
from go_toolchain import Toolchain
from steps import ROOT, SetupError, run, say, step

_DIRECTORY = ROOT / "tools" / "engines"
_SHIMS = _DIRECTORY / "language-python"

PULUMI = Module(
    _DIRECTORY,
    (
        Program("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", is_engine=True, floor=(3, 200)),
        Program("pulumi-language-yaml", "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml", is_engine=True),
    ),
    # Without it the version is empty, and the SDKs refuse an engine of no version.
    link_flags=f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{pulumi_installer.VERSION}",
)
# Modules of their own: OpenTofu replaces a module that the others use as it is.
TOFU = Module(
    _DIRECTORY / "tofu", (Program("tofu", "github.com/opentofu/opentofu/cmd/tofu", is_engine=True, floor=(1, 11)),)
)
# The oldest that this provider works with.
TOFU_FLOOR = Module(
    _DIRECTORY / "tofu-floor",
    (Program("tofu-1.10", "github.com/opentofu/opentofu/cmd/tofu", is_engine=True, process="tofu"),),
)
# Under a name of its own: `terraform` is the user's. The process has the name that the provider knows engines by.
TERRAFORM = Module(
    _DIRECTORY / "terraform",
    (Program("terraform-1.16", "github.com/hashicorp/terraform", is_engine=True, process="terraform"),),
    # Without it the version ends in "-dev".
    link_flags="-X github.com/hashicorp/terraform/version.dev=no",
)
# Pulumi's own SDK generators as a program; only `make sdk` needs it. Their version is older than the engine's: from
# 3.269 on they write SDKs that need a Pulumi SDK of that version.
GENSDK = Module(_DIRECTORY / "gensdk", (Program("gensdk", "."),))
# The Go providers that ours is measured against; only `make bench` needs them.
BASELINE = Module(_DIRECTORY / "baseline", (Program("terraform-provider-baseline", "."),))
RESTFUL = Module(
    _DIRECTORY / "restful", (Program("terraform-provider-restful", "github.com/magodo/terraform-provider-restful"),)
)
_ALL = (PULUMI, TOFU, TOFU_FLOOR, TERRAFORM, BASELINE, RESTFUL)
SOURCES = ("path", "download", "build")


def source(env: Mapping[str, str] = os.environ) -> str:
    """Return where engines may come from: path, download, build, or "" for all of them.

    Raises:
        SetupError: POLYKOMOS_ENGINES has another value.
    """
    value = env.get("POLYKOMOS_ENGINES", "")
    if value and value not in SOURCES:
        raise SetupError(f"POLYKOMOS_ENGINES is {value!r}: set it to {', '.join(SOURCES)}, or leave it out")
    return value


def may_download(env: Mapping[str, str] = os.environ) -> bool:
    """Tell whether Pulumi's installer is tried before a build. Without a choice, CI goes without the attempt."""
    return source(env) == "download" or (source(env) == "" and env.get("CI") != "true")


def search_path() -> list[Path]:
    """Return the directories of this project's engines and language hosts that belong in front of PATH."""
    homes = [home for module in _ALL for program in module.programs if (home := _home(module, program))]
    official = _which("pulumi-language-python", homes)
    return list(dict.fromkeys(homes if official else [*homes, _SHIMS]))


def prepare(modules: Sequence[Module], toolchain: Toolchain, python: Callable[[], Path]) -> None:
    """Make the programs of these modules available.

    Args:
        modules: What to prepare.
        toolchain: The Go toolchain for builds; it is found only if something has to be built.
        python: Returns the interpreter that has Pulumi's SDK, once that is installed. Only a download calls it.

    Raises:
        SetupError: A program is missing, and the chosen sources do not have it.
    """
    missing = {module: [p for p in module.programs if not _found(module, p)] for module in modules}
    if missing.get(PULUMI) and may_download() and _downloaded(python):
        missing[PULUMI] = []
    for module in (TERRAFORM, TOFU_FLOOR) if source() == "path" else ():
        if missing.pop(module, None):
            say(f"{module.programs[0].name}: not on PATH; its tests are skipped, by name")
    names = [program.name for programs in missing.values() for program in programs]
    if names and source() == "path":
        raise SetupError(f"{', '.join(names)}: not on PATH, and POLYKOMOS_ENGINES=path allows nothing else")
    build([(module, programs) for module, programs in missing.items() if programs], toolchain)


def build(wanted: Sequence[tuple[Module, Sequence[Program]]], toolchain: Toolchain) -> None:
    """Download the Go modules of all at once, and build one after the other as soon as its modules are there."""
    if not wanted:
        return
    go = toolchain.get()
    with ThreadPoolExecutor(len(wanted)) as pool:
        fetched: list[Future[None]] = [pool.submit(go_build.fetch, go, module, programs) for module, programs in wanted]
        for (module, programs), modules in zip(wanted, fetched, strict=True):
            modules.result()
            go_build.build(go, module, programs)


def prepare_peers(toolchain: Toolchain) -> None:
    """Build what `make bench` measures ours against. A peer whose module cannot be had is left out, by its name."""
    for module in (BASELINE, RESTFUL):
        missing = [program for program in module.programs if not module.built(program)]
        try:
            build([(module, missing)] if missing else [], toolchain)
        except SetupError as failure:
            if module is BASELINE:
                raise
            say(f"{module.programs[0].name} is left out: {failure}")


def write_sdks(target: Path, toolchain: Toolchain) -> None:
    """Generate the SDKs of schema.json into `target`/python, /nodejs and /go, those of others into `target`/NAME."""
    if not GENSDK.built(GENSDK.programs[0]):
        build([(GENSDK, GENSDK.programs)], toolchain)
    run([GENSDK.home / "gensdk", ROOT / "schema.json", target])
    for schema in sorted((ROOT / "sdk").glob("*/schema.json")):
        run([GENSDK.home / "gensdk", schema, target / schema.parent.name])


def _downloaded(python: Callable[[], Path]) -> bool:
    """Try Pulumi's installer. Where only it may be used, a failure is raised."""
    if not pulumi_installer.is_reachable():
        if source() == "download":
            raise SetupError("pulumi: its installer cannot be reached; unset POLYKOMOS_ENGINES to build it instead")
        say("pulumi: its installer cannot be reached within 5 s; building instead")
        return False
    try:
        with step(f"pulumi: downloading {pulumi_installer.VERSION} with Pulumi's own installer"):
            pulumi_installer.install(python())
    except SetupError as failure:
        if source() == "download":
            raise
        say(f"pulumi: {failure}")
        say("pulumi: building instead")
        return False
    return True


def _found(module: Module, program: Program) -> bool:
    """Tell whether a program is there, and say where."""
    version, path = _on_path(program)
    home = None if path else _home(module, program)
    if path:
        say(f"{program.name}: {' at '.join(filter(None, [version, path]))}")
    elif home:
        say(f"{program.name}: {'built' if home == module.home else 'downloaded'} earlier")
    return bool(path or home)


def _home(module: Module, program: Program) -> Path | None:
    """Return the directory of this project's own copy; None if there is none, or PATH's is used."""
    if source() == "path" or _on_path(program)[1]:
        return None
    downloaded = pulumi_installer.home() / "bin" / program.name
    if source() != "build" and pulumi_installer.is_complete() and downloaded.exists():
        return downloaded.parent
    return module.home if module.built(program) else None


@functools.cache
def _on_path(program: Program) -> tuple[str, str]:
    """Return the version and path of the user's own program; empty if there is none that is new enough."""
    path = _which(program.name) if program.is_engine and source() in ("", "path") else None
    if path is None or not program.floor:
        return "", path or ""
    version = subprocess.run([path, "version"], text=True, capture_output=True, check=False).stdout.partition("\n")[0]
    numbers = re.search(r"v?(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) >= program.floor:
        return version, path
    say(f"{program.name}: {version or 'no version'} at {path} is older than {'.'.join(map(str, program.floor))}")
    return "", ""


def _which(program: str, more: Sequence[Path] = ()) -> str | None:
    """Find a program on PATH without this project's own directories, which an earlier `make env` may have put there."""
    own = (str(cache.directory()), str(_SHIMS))
    path = [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if not entry.startswith(own)]
    return shutil.which(program, path=os.pathsep.join([*map(str, more), *path]))
