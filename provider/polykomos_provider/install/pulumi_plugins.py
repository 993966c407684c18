"""Where Pulumi looks for this provider's plugin: the user's home of Pulumi, or where a Pulumi.yaml says."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from polykomos.version import VERSION
from polykomos_provider.install.launcher import write_launcher

PROGRAM = "pulumi-resource-polykomos"
PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")
# In a project; without the version, so that Pulumi.yaml stays as it is when the environment is upgraded.
PROJECT_PLUGIN = ".polykomos/pulumi"
PLUGINS_SECTION = f"plugins:\n  providers:\n    - name: polykomos\n      path: {PROJECT_PLUGIN}\n"
_PLUGINS = re.compile(r"^plugins\s*:", re.MULTILINE)
_OURS = re.compile(rf"""path\s*:\s*["']?(\./)?{re.escape(PROJECT_PLUGIN)}/?["']?\s*$""", re.MULTILINE)


class PluginsSection(Enum):
    """What a Pulumi.yaml says of plugins."""

    ABSENT = "nothing: the stanza can be added"
    THERE = "ours"
    OTHERS = "others: a person has to add ours to them"


def user_plugins(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where Pulumi looks for a user's plugins: below the account's home directory, whatever HOME says."""
    home = environment.get("PULUMI_HOME")
    return (Path(home) if home else _account_home() / ".pulumi") / "plugins"


def _account_home() -> Path:
    """Return the home directory in the password database, as Go's `user.Current` does; HOME where there is none."""
    try:
        import pwd  # not on Windows

        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except (ImportError, KeyError):
        return Path.home()


def write_user_plugin() -> Path:
    """Write the launcher as this version's plugin of the user. Returns its path."""
    return write_launcher(PROGRAM, user_plugins() / f"resource-polykomos-v{VERSION}")


def write_project_plugin(project: Path) -> Path:
    """Write the launcher into a project. Returns its path."""
    return write_launcher(PROGRAM, project / PROJECT_PLUGIN, project)


def project_file(directory: Path) -> Path | None:
    """The project's file in a directory."""
    return next((directory / name for name in PROJECT_FILES if (directory / name).is_file()), None)


def plugins_section(text: str) -> PluginsSection:
    """What a Pulumi.yaml's text says of plugins."""
    if not _PLUGINS.search(text):
        return PluginsSection.ABSENT
    return PluginsSection.THERE if _OURS.search(text) else PluginsSection.OTHERS


def add_plugins_section(text: str) -> str:
    """The text of a Pulumi.yaml that says nothing of plugins, with ours. All else stays as it was written."""
    return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{PLUGINS_SECTION}"
