"""Root file systems in directories, and programs in them as in a container. Needs root, and debootstrap once."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

# What of this machine's own set-up its package clients need in there too.
_HOST_FILES = ("etc/apt", "etc/pip.conf", "etc/resolv.conf", "etc/hosts")
_HOST_VARIABLES = ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "http_proxy", "https_proxy", "no_proxy")
# This machine's certificates, out of the way of the package ca-certificates.
_CERTIFICATES = "etc/dry-run-certificates.crt"
# In name spaces of its own: no process survives, and no mount reaches this machine. $1: the root, $2: user, then words.
_ENTER = """
root=$1 user=$2; shift 2
mount --rbind /dev "$root/dev" && mount -t tmpfs tmpfs "$root/tmp" && exec chroot --userspec="$user" "$root" "$@"
"""


def make_base(release: str, directory: Path) -> None:
    """Make a minimal Debian with debootstrap, from the mirror that this machine uses, unless it is there."""
    if (directory / "etc" / "os-release").exists():
        return
    shutil.rmtree(directory, ignore_errors=True)
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", f"Release: {release}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    command = ["debootstrap", "--variant=minbase", release, str(directory), *targets[:1]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for place in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(directory / place)
        (directory / place).mkdir()


def copy_of(base: Path, directory: Path) -> None:
    """Make a new root as a copy of another."""
    subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(directory)], check=True)


def lend_host(root: Path) -> dict[str, str]:
    """Give a root this machine's package sources and certificates. Returns the variables that belong to them."""
    for name in _HOST_FILES:
        source, target = Path("/", name), root / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, symlinks=True)
        elif source.exists():
            target.unlink(missing_ok=True)
            shutil.copy(source, target)
    shutil.copy(os.environ.get("PIP_CERT") or str(ssl.get_default_verify_paths().cafile), root / _CERTIFICATES)
    lent = {name: os.environ[name] for name in _HOST_VARIABLES if name in os.environ}
    return lent | {"PIP_CERT": f"/{_CERTIFICATES}"}


def command_in(
    root: Path, words: Sequence[str], env: Mapping[str, str], user: str = "0:0", cwd: str = "/"
) -> list[str]:
    """Return the command that runs a program inside of a root, with these variables and no others."""
    name_spaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc"]
    enter = ["/bin/sh", "-c", _ENTER, "sh", str(root), user]
    variables = [f"{name}={value}" for name, value in env.items()]
    return [*name_spaces, *enter, "/usr/bin/env", "-i", f"--chdir={cwd}", *variables, *words]
