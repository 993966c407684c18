"""Pulumi by the installer that its own SDK brings (`PulumiCommand.install`), into the cache.

The installer brings the language hosts of all official languages too.
"""

from __future__ import annotations

import threading
import urllib.request
from pathlib import Path

import cache
from steps import run

VERSION = "3.276.0"
_REACHABLE_SECONDS = 5.0
# What the SDK's installer downloads first.
_SCRIPT = "https://get.pulumi.com/install.sh"
_INSTALL = """
import sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""


def home() -> Path:
    """Return the directory that it is installed to."""
    return cache.directory() / "engines" / f"pulumi-{VERSION}"


def is_complete() -> bool:
    """Tell whether an earlier installation reached its end."""
    return _stamp().exists()


def is_reachable(seconds: float = _REACHABLE_SECONDS) -> bool:
    """Tell whether the installer's script answers in time; the name look-up and a proxy's delay count too."""
    answered, ended = threading.Event(), threading.Event()

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(_SCRIPT, method="HEAD"), timeout=seconds):
                answered.set()
        except (OSError, ValueError):
            pass
        finally:
            ended.set()

    threading.Thread(target=ask, daemon=True).start()
    ended.wait(seconds)
    return answered.is_set()


def install(python: Path) -> None:
    """Run the SDK's installer.

    Args:
        python: An interpreter that has Pulumi's SDK.

    Raises:
        SetupError: The installer ended with an error.
    """
    run([python, "-c", _INSTALL, home(), VERSION])
    _stamp().touch()


def _stamp() -> Path:
    return home() / ".complete"
