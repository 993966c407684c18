"""The directories in which Pulumi looks for this provider's plugin: Pulumi's home, or the path in a Pulumi.yaml."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from polykomos.version import VERSION
from polykomos_provider.install.addresses import PACKAGES
from polykomos_provider.install.launcher import write_launcher

PROGRAM = "pulumi-resource-polykomos"
PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")
# In a project. The path has no version, so that Pulumi.yaml stays the same when the environment is upgraded.
PROJECT_PLUGIN = ".polykomos/pulumi"
PLUGINS_SECTION = f"plugins:\n  providers:\n    - name: polykomos\n      path: {PROJECT_PLUGIN}\n"
_PLUGINS = re.compile(r"^plugins\s*:", re.MULTILINE)
_OURS = re.compile(rf"""path\s*:\s*["']?(\./)?{re.escape(PROJECT_PLUGIN)}/?["']?\s*$""", re.MULTILINE)


class PluginsSection(Enum):
    """The plugins that a Pulumi.yaml names."""

    ABSENT = "none: the section can be added"
    THERE = "this provider's"
    OTHERS = "others: a person must add this provider's"


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


def write_project_plugin(project: Path) -> Path:
    """Write the launcher into a project, and return its path."""
    return write_launcher(PROGRAM, project / PROJECT_PLUGIN, project)


def project_file(directory: Path) -> Path | None:
    """Return the Pulumi.yaml of a directory, or None."""
    return next((directory / name for name in PROJECT_FILES if (directory / name).is_file()), None)


def plugins_section(text: str) -> PluginsSection:
    """Return which plugins a Pulumi.yaml's text names."""
    if not _PLUGINS.search(text):
        return PluginsSection.ABSENT
    return PluginsSection.THERE if _OURS.search(text) else PluginsSection.OTHERS


def add_plugins_section(text: str) -> str:
    """Return the text of a Pulumi.yaml without plugins, with this provider's appended."""
    return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{PLUGINS_SECTION}"
