"""Looking for secrets, by their values, in all that a suite has left behind."""

from __future__ import annotations

import os
import subprocess
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from support.server_admin import STATE_FILE

# Terraform keeps sensitive values in its states and plans as they are; what can be kept out of them, and how, is in
# docs/terraform-secrets.md and has its own tests. An API key has no business there either.
_PLAIN = (".tfstate", "!tfstate", "!tfplan")  # and backups; the latter two are parts of a plan
# Programs and packages that tests install: hundreds of megabytes that no run has written.
_INSTALLED = {"node_modules", "site-packages"}
_PROGRAM = b"\x7fELF"


def leaks(directory: Path, keys: Collection[str], secrets: Collection[str]) -> list[str]:
    """The files below `directory` that hold one of the API keys, or, Terraform's states left out, one of `secrets`.

    There are thousands of both, which `grep` looks for in one pass.
    """
    with tempfile.TemporaryDirectory() as unpacked:
        files = dict(_files(directory, Path(unpacked)))
        states = {name for name in files if any(plain in name for plain in _PLAIN)}
        found = {
            *_with_one_of(keys, {name: files[name] for name in states}),
            *_with_one_of({*keys, *secrets}, {name: path for name, path in files.items() if name not in states}),
        }
    return [name for name in files if name in found]


def _with_one_of(texts: Collection[str], files: Mapping[str, Path]) -> list[str]:
    """The names of the files that hold one of the texts."""
    assert not any("\n" in text for text in texts)
    names = {str(path): name for name, path in files.items()}
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as patterns:
        patterns.write("".join(f"{text}\n" for text in texts if text))
        patterns.flush()
        # Files that are gone by now are no error (-s).
        done = subprocess.run(
            ["xargs", "-0r", "grep", "-slZF", "-f", patterns.name, "--"],
            input="\0".join(names), capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    assert not done.stderr, done.stderr
    return [names[path] for path in done.stdout.split("\0") if path]


def _files(directory: Path, unpacked: Path) -> Iterator[tuple[str, Path]]:
    """Every file by name, those in a plan too, unpacked: `plan!file`. Left out are programs, and a control plane's own
    data, which are the safe.
    """
    files = [path for path in directory.rglob("*") if not _INSTALLED.intersection(path.parts)]
    safes = {path.parent for path in files if path.name == STATE_FILE}
    for number, path in enumerate(files):
        if path.is_symlink() or not path.is_file() or safes.intersection(path.parents):
            continue
        name = str(path.relative_to(directory))
        try:
            with path.open("rb") as file:
                if file.read(len(_PROGRAM)) == _PROGRAM:
                    continue
            yield name, path
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as packed:
                    packed.extractall(unpacked / str(number))
                    yield from ((f"{name}!{part}", unpacked / str(number) / part) for part in packed.namelist())
        except OSError:
            continue  # gone, or a socket
