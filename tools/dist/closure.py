"""Which distributions the programs stand on. What else the development environment holds stays out of the archives:
libraries try to import much that they do not need.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata

_ROOT = "polykomos-provider"
# Of its SDK the programs use the messages alone, which need nothing that the SDK needs.
_LEAVES = ("pulumi",)
# Imported by nothing that a plugin does: the command line, a parser that builds cffi's modules, the SDK's own client.
_UNUSED = ("click", "pycparser")


def needed() -> set[str]:
    """The normalised names of the distributions that the plugins use."""
    found: set[str] = set()
    ahead = [_ROOT]
    while ahead:
        name = ahead.pop()
        if name in found or name in _UNUSED:
            continue
        found.add(name)
        if name not in _LEAVES:
            ahead.extend(_required(name))
    return found


def unneeded_packages() -> list[str]:
    """The import names of all else that is installed here."""
    allowed = needed()
    owners = metadata.packages_distributions().items()
    return sorted(name for name, owned_by in owners if not allowed & {normal(owner) for owner in owned_by})


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _required(name: str) -> Iterable[str]:
    for requirement in metadata.requires(name) or ():
        words, _, marker = requirement.partition(";")
        dependency = normal(re.match(r"[\w.-]+", words).group())  # type: ignore[union-attr]
        if "extra ==" not in marker and _is_installed(dependency):
            yield dependency


def _is_installed(name: str) -> bool:
    """Markers rule some out here, such as backports."""
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
