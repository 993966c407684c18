"""Archives whose bytes depend on nothing but their content: sorted, one time for all, owned by nobody."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path


def write_tar(tree: Path, archive: Path) -> None:
    """A .tar.gz with the content of `tree` at its top."""
    made = int(os.environ["SOURCE_DATE_EPOCH"])
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=made) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, path in _files(tree):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = path.stat().st_size, _mode(path), made
            with path.open("rb") as content:
                tar.addfile(entry, content)


def write_zip(tree: Path, archive: Path) -> None:
    """A .zip with the content of `tree` at its top. Engines would hash entries of folders."""
    made = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, path in _files(tree):
            entry = zipfile.ZipInfo(name, made)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | _mode(path)) << 16
            packed.writestr(entry, path.read_bytes())


def write_checksums(target: Path, files: Iterable[Path]) -> None:
    """What `sha256sum --check` reads."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    target.write_text("".join(lines))


def _files(tree: Path) -> Iterator[tuple[str, Path]]:
    # Links are followed: what is linked is packed twice rather than depend on how an engine unpacks links.
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            yield path.relative_to(tree).as_posix(), path


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & 0o100 else 0o644
