"""A headless Chromium of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from support.needs import missing

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _find_browser() -> str:
    """The program; $POLYKOMOS_BROWSER goes before PATH. Without one, the test is skipped by its name."""
    own = os.environ.get("POLYKOMOS_BROWSER")
    found = next(filter(None, map(shutil.which, [own] if own else _NAMES)), None)
    return found or missing(own or _NAMES[0])


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Started, and stopped in the end."""
    program = _find_browser()
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, as whom containers run; it only visits our own pages here.
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=program, args=sandbox)
        yield browser
        browser.close()
