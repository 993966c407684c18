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
class Program:
    """A program of the wheel, by its entry point. package: the engines' name for what it serves."""

    name: str
    package: str
    module: str
    attribute: str

    @property
    def folders(self) -> tuple[str, ...]:
        """The Python packages that no other program uses."""
        return tuple(dict.fromkeys((self.package, self.module.partition(".")[0])))

    def write_script(self, directory: Path) -> Path:
        """Write what pip would install as the program."""
        script = directory / f"{self.name.replace('-', '_')}.py"
        script.write_text(f"import {self.module}\n\n{self.module}.{self.attribute}()\n")
        return script


@dataclass(frozen=True)
class Staged:
    """Where it is, and the version that the wheel states."""

    directory: Path
    version: str

    def programs(self, prefix: str) -> list[Program]:
        """The programs of this prefix, by the entry points of the wheel."""
        (facts,) = self.directory.glob("*.dist-info")
        scripts = metadata.PathDistribution(facts).entry_points.select(group="console_scripts")
        return [
            Program(each.name, each.name.removeprefix(f"{prefix}-"), each.module, each.attr)
            for each in sorted(scripts, key=lambda script: script.name)
            if each.name.startswith(f"{prefix}-")
        ]


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
