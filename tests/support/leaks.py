"""Looking for secrets, by their values, in all that a suite has left behind."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

from support.server_admin import STATE_FILE

# Terraform keeps sensitive values in its states and plans as they are; what can be kept out of them, and how, is in
# docs/terraform-secrets.md and has its own tests. An API key has no business there either.
_PLAIN = (".tfstate", "!tfstate", "!tfplan")  # and backups; the latter two are parts of a plan
# Programs and packages that tests install: hundreds of megabytes that no run has written.
_INSTALLED = {"node_modules", "site-packages"}
_PROGRAM = b"\x7fELF"


def leaks(directory: Path, keys: Collection[str], secrets: Collection[str]) -> list[str]:
    """The files below `directory` that hold one of the API keys, or, Terraform's states left out, one of `secrets`."""
    found = []
    for name, content in _contents(directory):
        looked_for = keys if any(plain in name for plain in _PLAIN) else {*keys, *secrets}
        if any(secret.encode() in content for secret in looked_for):
            found.append(name)
    return found


def _contents(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Every file by name, those in a plan too: `plan!file`. Left out are programs, and a control plane's own data,
    which are the safe.
    """
    files = [path for path in directory.rglob("*") if not _INSTALLED.intersection(path.parts)]
    safes = {path.parent for path in files if path.name == STATE_FILE}
    for path in files:
        if path.is_symlink() or not path.is_file() or safes.intersection(path.parents):
            continue
        name = str(path.relative_to(directory))
        try:
            content = path.read_bytes()
            if content.startswith(_PROGRAM):
                continue
            yield name, content
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as packed:
                    yield from ((f"{name}!{part}", packed.read(part)) for part in packed.namelist())
        except OSError:
            continue  # gone, or a socket
