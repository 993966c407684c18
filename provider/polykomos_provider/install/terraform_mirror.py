"""A filesystem mirror with this installation, for `terraform init` and `tofu init`.

A mirror contains `<host>/<namespace>/<type>/<version>/<os>_<architecture>/` with the provider's program in it. This one
contains a small file that starts the program of this Python environment. So the hash in a user's lock file does not
depend on the files that Python writes beside its modules.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

from polykomos.version import VERSION
from polykomos_provider.install.addresses import PACKAGES
from polykomos_provider.install.launcher import write_launcher

# Both engines search the first in the directory in which `init` runs, the second in the user's home directory.
PROJECT_MIRROR = Path("terraform.d", "plugins")
USER_MIRROR = Path(".terraform.d", "plugins")

_HOSTS = ("registry.terraform.io", "registry.opentofu.org")
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def write_mirror(directory: Path, project: Path | None = None, packages: Sequence[str] = PACKAGES) -> list[Path]:
    """Write the mirror, over an earlier one of this version.

    Args:
        directory: Where it is.
        project: The root module that it belongs to.
        packages: The packages whose providers it has.

    Returns:
        The paths of the programs.
    """
    return [
        write_launcher(
            program := f"terraform-provider-{name}",
            directory / host / name / name / VERSION / platform_target(),
            project,
            f"{program}_v{VERSION}",
        )
        for name in packages
        for host in _HOSTS
    ]


def cli_config(directory: Path) -> str:
    """Return settings for ~/.terraformrc or ~/.tofurc with which `init` takes the providers from the mirror only."""
    addresses = ", ".join(f'"{host}/{name}/{name}"' for name in PACKAGES for host in _HOSTS)
    return (
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = "{directory}"\n    include = [{addresses}]\n  }}\n'
        f"  direct {{\n    exclude = [{addresses}]\n  }}\n}}\n"
    )


def platform_target() -> str:
    """Return the engines' name for this platform, such as `linux_amd64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{_ARCHITECTURES.get(machine, machine)}"
