"""The names of a database and its user on their server (S3). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_LONGEST: Final = 63  # bytes, PostgreSQL's limit; MySQL's is 64
# MySQL stores a database in a directory of its name, where a hyphen takes five characters; file systems allow 255.
_LONGEST_FILE_NAME: Final = 240
_HYPHEN_IN_FILE: Final = 5

RESERVED: Final[Mapping[str, frozenset[str]]] = {"mysql": frozenset({"mysql", "sys", "test"})}


def role_name(number: int) -> str:
    """Return the tenant's user name on the server, for every engine."""
    return f"u{number}"


def candidate_names(name: str, number: int, db_type: str = "postgres") -> Sequence[str]:
    """Return possible names of the database on the server, best first."""
    suffixes = ["", f"-{number}", *(f"-{number}-{attempt}" for attempt in range(2, 100))]
    return [_cut(name, _LONGEST - len(suffix), suffix, db_type) + suffix for suffix in suffixes]


def _cut(name: str, length: int, suffix: str, db_type: str) -> str:
    name = name[:length]
    if db_type == "mysql":
        while _file_length(name + suffix) > _LONGEST_FILE_NAME:
            name = name[:-1]
    return name


def _file_length(name: str) -> int:
    return len(name) + name.count("-") * (_HYPHEN_IN_FILE - 1)
