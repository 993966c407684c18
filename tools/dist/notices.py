"""THIRD-PARTY-NOTICES.txt: whose work is in an archive, and under which terms."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from closure import needed
from steps import say

_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
# What Debian's packages refer to rather than repeat.
_COMMON = Path("/usr/share/common-licenses")


def write_notices(collected: Path, target: Path) -> None:
    """Write it for an archive with the modules and libraries in `collected`."""
    texts = {f"Python {sys.version.split()[0]}": _text_of_python()}
    texts.update(_of_distributions(collected))
    texts.update(_of_libraries(collected))
    names = {name for text in texts.values() for name in re.findall(rf"{_COMMON}/([\w.-]*\w)", text)}
    common = {(_COMMON / name).resolve() for name in names}
    texts.update({path.name: _read(path) for path in sorted(common) if path.is_file()})
    target.write_text(
        "This archive holds work of others, under the terms that follow.\n"
        + "".join(f"\n{'=' * 100}\n{title}\n{'=' * 100}\n\n{text.strip()}\n" for title, text in texts.items())
    )


def _text_of_python() -> str:
    standard = Path(sysconfig.get_path("stdlib"))
    for place in (standard / "LICENSE.txt", Path(f"/usr/share/doc/{standard.name}/copyright")):
        if place.is_file():
            return _read(place)
    return _missing("Python")


def _of_distributions(collected: Path) -> Iterator[tuple[str, str]]:
    yield _entry("pyinstaller", "its loader")
    modules = {path.relative_to(collected).with_suffix("") for path in collected.rglob("*") if path.is_file()}
    for name in sorted(needed() - {"polykomos-provider"}):
        if any(Path(file).with_suffix("") in modules for file in metadata.files(name) or () if file.suffix in _MODULES):
            yield _entry(name, "the messages of its protocol" if name == "pulumi" else "")


_MODULES = (".py", ".so")


def _entry(name: str, part: str) -> tuple[str, str]:
    found = metadata.distribution(name)
    texts = [
        _read(Path(str(file.locate())))
        for file in found.files or []
        if ".dist-info" in str(file) and _LICENCE_FILE.search(file.name)
    ]
    licence = found.metadata.get("License-Expression") or found.metadata.get("License") or ""
    title = f"{name} {found.version}{f' ({part})' if part else ''}"
    return title, "\n\n".join([licence.partition("\n")[0], *texts])


def _of_libraries(collected: Path) -> Iterator[tuple[str, str]]:
    """Those of the system that built it stand at the top; those of wheels are with their packages."""
    for library in sorted(collected.glob("*.so*")):
        if not library.name.startswith("libpython"):
            package = _package_of(library.name)
            terms = Path("/usr/share/doc") / package / "copyright"
            text = _read(terms) if package and terms.is_file() else _missing(library.name)
            yield package or library.name, text


def _package_of(library: str) -> str:
    """The Debian package that holds a library, empty where there is none."""
    try:
        found = subprocess.run(["dpkg", "-S", f"*/{library}"], text=True, capture_output=True, check=False)
    except FileNotFoundError:
        return ""
    return found.stdout.partition(":")[0]


def _missing(name: str) -> str:
    say(f"no licence text found for {name}: add it before you publish the archives")
    return f"The licence text of {name} is with the system that built this archive."


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
