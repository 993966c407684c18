"""A filesystem mirror with this installation, for `terraform init` and `tofu init`.

A mirror contains `<host>/<namespace>/<type>/<version>/<os>_<architecture>/` with the provider's program in it. This one
contains a small file that starts the program of this Python environment. So the hash in a user's lock file does not
depend on the files that Python writes beside its modules.
"""

from __future__ import annotations

import platform
from pathlib import Path

from polykomos.version import VERSION
from polykomos_provider.install.addresses import ADDRESSES
from polykomos_provider.install.launcher import write_launcher

# Both engines search the first in the directory in which `init` runs, the second in the user's home directory.
PROJECT_MIRROR = Path("terraform.d", "plugins")
USER_MIRROR = Path(".terraform.d", "plugins")

_PROGRAM = "terraform-provider-polykomos"
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def write_mirror(directory: Path, project: Path | None = None) -> list[Path]:
    """Write the mirror, over an earlier one of this version.

    Returns:
        The paths of the programs.
    """
    return [
        write_launcher(_PROGRAM, directory / address / VERSION / platform_target(), project, f"{_PROGRAM}_v{VERSION}")
        for address in ADDRESSES
    ]


def cli_config(directory: Path) -> str:
    """Return settings for ~/.terraformrc or ~/.tofurc with which `init` takes this provider from the mirror only."""
    addresses = ", ".join(f'"{address}"' for address in ADDRESSES)
    return (
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = "{directory}"\n    include = [{addresses}]\n  }}\n'
        f"  direct {{\n    exclude = [{addresses}]\n  }}\n}}\n"
    )


def platform_target() -> str:
    """Return the engines' name for this platform, such as `linux_amd64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{_ARCHITECTURES.get(machine, machine)}"
