"""The files, folders and modules that the pages name exist, so that no page names one that was moved."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("resourcekit", "polykomos", "polnor", "polytomic", "pragma", "controlplane", "polykomos_provider")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
# A Python file, named from any folder on; a folder below a package.
_FILE = re.compile(r"(?<![\w./-])((?:\w+/)*\w+\.py)\b(?!\w)")
_FOLDER = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:/\w+)+)/?`")
_MODULE = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`")
# A file that the page makes: it stands alone in a line, before its content.
_MADE = re.compile(r"^`(\S+)`:$", re.MULTILINE)
# A file of Pulumi's SDK, and the state directory of `polykomos dev`.
_FOREIGN = {"pulumi/dynamic/__main__.py", "polykomos/dev"}


@functools.cache
def files() -> frozenset[str]:
    """Return the paths of the Python files of the repository."""
    folders = ("provider", "tests", "tools", "docs")
    return frozenset(
        f"/{path.relative_to(ROOT).as_posix()}" for name in folders for path in (ROOT / name).rglob("*.py")
    )


def is_module(name: str) -> bool:
    """Return whether a dotted name is a module, or begins with one and goes on with names in it."""
    parts = name.split(".")
    path = ROOT / "provider"
    for position, part in enumerate(parts):
        if (path / f"{part}.py").is_file():
            source = (path / f"{part}.py").read_text(encoding="utf-8")
            return all(re.search(rf"\b{rest}\b", source) for rest in parts[position + 1 :])
        if not (path / part).is_dir():
            source = (path / "__init__.py").read_text(encoding="utf-8") if (path / "__init__.py").exists() else ""
            return all(re.search(rf"\b{rest}\b", source) for rest in parts[position:])
        path /= part
    return True


def missing_in(text: str) -> list[str]:
    """Return the files, folders and modules that a page names and that do not exist."""
    prose = _BLOCK.sub("", text)
    missing = (
        {name for name in _FILE.findall(prose) if not any(path.endswith(f"/{name}") for path in files())}
        | {name for name in _FOLDER.findall(prose) if not (ROOT / "provider" / name).is_dir()}
        | {name for name in _MODULE.findall(prose) if not is_module(name)}
    )
    made = {*_MADE.findall(text), *(path.rpartition("/")[2] for path in _MADE.findall(text))}
    return sorted(name for name in missing - _FOREIGN - made if not name.startswith("NAME/"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_exists(page: Path) -> None:
    assert missing_in(page.read_text(encoding="utf-8")) == []


def test_a_name_that_does_not_exist_is_noticed() -> None:
    text = "`resourcekit/nothing.py`, `resourcekit/nowhere`, `resourcekit.nothing`, `polykomos.client.Nothing`, " + (
        "`resourcekit/lifecycle.py`, lifecycle.py, `polykomos/client`, `polykomos.client.Client`\n\n```\nx/y.py\n```\n"
    )
    assert missing_in(text) == [
        "polykomos.client.Nothing",
        "resourcekit.nothing",
        "resourcekit/nothing.py",
        "resourcekit/nowhere",
    ]
