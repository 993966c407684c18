"""A headless Chromium of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = f"no browser: none of {', '.join(NAMES)} is on PATH (make setup installs chromium on Debian as root)"


def find_browser() -> str | None:
    """The program; $POLYKOMOS_BROWSER goes before PATH."""
    return os.environ.get("POLYKOMOS_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Started, and stopped in the end."""
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, as whom containers run; it only visits our own pages here.
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=find_browser(), args=sandbox)
        yield browser
        browser.close()
