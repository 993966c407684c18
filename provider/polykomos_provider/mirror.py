"""A filesystem mirror that holds this installation: the provider that `terraform init` and `tofu init` then find.

A mirror holds `<host>/<namespace>/<type>/<version>/<os>_<architecture>/` with the provider's program in it. Ours is one
small file that starts the program of this Python environment, so that the hash in a user's lock file never depends on
what Python writes beside its modules.
"""

from __future__ import annotations

import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path

from polykomos_provider.terraform_plugin import ADDRESSES

_PROGRAM = "terraform-provider-polykomos"
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def write_mirror(directory: Path) -> list[Path]:
    """Write the mirror into `directory`, over an earlier one of this version. Returns the programs' paths."""
    version = metadata.version("polykomos-provider")
    written = []
    for address in ADDRESSES:
        home = directory / address / version / _target()
        home.mkdir(parents=True, exist_ok=True)
        program = home / f"{_PROGRAM}_v{version}"
        program.write_text(_launcher(), encoding="utf-8")
        program.chmod(0o755)
        written.append(program)
    return written


def command_line_settings(directory: Path) -> str:
    """What belongs into ~/.terraformrc or ~/.tofurc so that `init` looks here for this provider, and nowhere else."""
    return (
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = "{directory}"\n    include = ["*/polykomos/*"]\n  }}\n'
        '  direct {\n    exclude = ["*/polykomos/*"]\n  }\n}\n'
    )


def _target() -> str:
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{_ARCHITECTURES.get(machine, machine)}"


def _launcher() -> str:
    program = Path(sys.executable).with_name(_PROGRAM)
    return (
        "#!/bin/sh\n"
        "# Starts the provider of the Python environment that `polykomos install terraform` ran in.\n"
        f'exec {shlex.quote(str(program))} "$@"\n'
    )
