"""The directories in which Pulumi looks for this provider's plugin: Pulumi's home, or the path in a Pulumi.yaml."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from polykomos.version import VERSION
from polykomos_provider.install.addresses import PACKAGES
from polykomos_provider.install.launcher import write_launcher

PROGRAM = "pulumi-resource-polykomos"
PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")
# In a project. The path has no version, so that Pulumi.yaml stays the same when the environment is upgraded.
PROJECT_PLUGIN = ".polykomos/pulumi"
_ENTRY = "    - name: {}\n      path: " + PROJECT_PLUGIN + "\n"
_PLUGINS = re.compile(r"^plugins\s*:", re.MULTILINE)
_ITEM = re.compile(r"^\s*-\s+", re.MULTILINE)
_NAME = re.compile(r"""^\s*name\s*:\s*["']?([\w-]+)["']?\s*$""", re.MULTILINE)
_OURS = re.compile(rf"""path\s*:\s*["']?(\./)?{re.escape(PROJECT_PLUGIN)}/?["']?\s*$""", re.MULTILINE)


def user_plugins(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of a user's plugins: PULUMI_HOME's, or in the account's home directory, whatever HOME is."""
    home = environment.get("PULUMI_HOME")
    return (Path(home) if home else _account_home() / ".pulumi") / "plugins"


def _account_home() -> Path:
    """Return the home directory in the password database, as Go's `user.Current` does; HOME if there is none."""
    try:
        import pwd  # not on Windows

        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except (ImportError, KeyError):
        return Path.home()


def write_user_plugins() -> list[Path]:
    """Write the launchers as the user's plugins of this version, and return their paths, this provider's first."""
    return [
        write_launcher(f"pulumi-resource-{name}", user_plugins() / f"resource-{name}-v{VERSION}") for name in PACKAGES
    ]


def write_project_plugin(project: Path, package: str = PACKAGES[0]) -> Path:
    """Write a package's launcher into a project, and return its path."""
    return write_launcher(f"pulumi-resource-{package}", project / PROJECT_PLUGIN, project)


def project_file(directory: Path) -> Path | None:
    """Return the Pulumi.yaml of a directory, or None."""
    return next((directory / name for name in PROJECT_FILES if (directory / name).is_file()), None)


def project_plugins(text: str) -> set[str]:
    """Return the packages for which a Pulumi.yaml's text names the launchers that are written into a project."""
    section = _PLUGINS.split(text, maxsplit=1)[1:]
    items = [item for part in section for item in _ITEM.split(part) if _OURS.search(item)]
    return {found[1] for item in items if (found := _NAME.search(item))}


def plugins_section(packages: Sequence[str]) -> str:
    """Return the section of a Pulumi.yaml that names the launchers of these packages."""
    return "plugins:\n  providers:\n" + "".join(map(_ENTRY.format, packages))


def with_plugins(text: str, packages: Sequence[str]) -> str | None:
    """Return the text of a Pulumi.yaml with these packages added; None if a person must add them.

    A text without plugins gets the section. In a section that this function has written, they are added to the entries.
    """
    if not _PLUGINS.search(text):
        return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{plugins_section(packages)}"
    there = [entry for entry in map(_ENTRY.format, PACKAGES) if entry in text]
    if not there:
        return None
    last = max(there, key=text.index)
    return text.replace(last, last + "".join(map(_ENTRY.format, packages)))
