"""A filesystem mirror that holds this installation: the provider that `terraform init` and `tofu init` then find.

A mirror holds `<host>/<namespace>/<type>/<version>/<os>_<architecture>/` with the provider's program in it. Ours is one
small file that starts the program of this Python environment, so that the hash in a user's lock file never depends on
what Python writes beside its modules.
"""

from __future__ import annotations

import platform
from pathlib import Path

from polykomos.version import VERSION
from polykomos_provider.install.addresses import ADDRESSES
from polykomos_provider.install.launcher import write_launcher

# Searched by `init` in the directory it runs in, and in the user's; both engines know both.
PROJECT_MIRROR = Path("terraform.d", "plugins")
USER_MIRROR = Path(".terraform.d", "plugins")

_PROGRAM = "terraform-provider-polykomos"
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def write_mirror(directory: Path, project: Path | None = None) -> list[Path]:
    """Write the mirror into `directory`, over an earlier one of this version. Returns the programs' paths.

    project: whose directory it is, when it is a project's.
    """
    return [
        write_launcher(_PROGRAM, directory / address / VERSION / platform_target(), project, f"{_PROGRAM}_v{VERSION}")
        for address in ADDRESSES
    ]


def cli_config(directory: Path) -> str:
    """What belongs into ~/.terraformrc or ~/.tofurc so that `init` looks here for this provider, and nowhere else."""
    return (
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = "{directory}"\n    include = ["*/polykomos/*"]\n  }}\n'
        '  direct {\n    exclude = ["*/polykomos/*"]\n  }\n}\n'
    )


def platform_target() -> str:
    """What the engines call this machine."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{_ARCHITECTURES.get(machine, machine)}"
