"""What goes into the archives, laid out for PyInstaller: the wheel as it installs, and stand-ins for two modules."""

from __future__ import annotations

import shutil
import sysconfig
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_NOT_RUN = '"""Only the messages of the protocol are here: see resourcekit/pulumi/protocol."""\n'


@dataclass(frozen=True)
class Staged:
    """Where it is, and the version that the wheel states."""

    directory: Path
    version: str


def stage(wheel: Path, directory: Path) -> Staged:
    """Unpack `wheel` into `directory`; beside it, a `pulumi` that has the messages and no SDK, and a record of how the
    interpreter was built that says what zoneinfo asks for and names no folders of this machine.
    """
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(directory)
    sdk = metadata.distribution("pulumi").locate_file("pulumi")
    protocol = directory / "pulumi" / "runtime" / "proto"
    shutil.copytree(
        str(Path(str(sdk)) / "runtime" / "proto"), protocol, ignore=lambda _, names: filter(_is_no_module, names)
    )
    for package in protocol.parents[:2]:
        (package / "__init__.py").write_text(_NOT_RUN)
    variables = {"TZPATH": sysconfig.get_config_var("TZPATH")}
    record = directory / f"{sysconfig._get_sysconfigdata_name()}.py"  # type: ignore[attr-defined]
    record.write_text(f"build_time_vars = {variables!r}\n")
    return Staged(directory, wheel.name.split("-")[1])


def _is_no_module(name: str) -> bool:
    return not name.endswith(".py")
