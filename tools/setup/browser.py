"""A browser for the console's tests: the machine's own, else Debian's chromium where this may install it.

Never a reason to fail: without one those tests are skipped, and say so by name.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from steps import Failed, run, say, step

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WITHOUT = "tests/contract/test_console_browser.py will be skipped"


def prepare() -> None:
    """Find a browser, or install chromium as root on Debian and its kin."""
    found = os.environ.get("POLYKOMOS_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found:
        say(f"browser: {found}")
    elif os.geteuid() != 0 or shutil.which("apt-get") is None:
        say(f"browser: none on PATH, and chromium is installed only as root where there is apt-get; {_WITHOUT}")
    else:
        try:
            with step("browser: installing chromium with apt-get (about 1 min)"):
                _install()
        except Failed as failure:
            say(f"browser: {failure}\nsetup: {_WITHOUT}")


def _install() -> None:
    command = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # The package lists of a fresh container are missing or old.
    subprocess.run(["apt-get", "update"], env=quiet, capture_output=True, check=False)
    run(command, env=quiet)
