"""Names for adopted objects: valid in each engine, descriptive, and unique."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from urllib.parse import urlsplit

from polykomos_provider.adopt.inventory import ExistingObject


def pulumi_names(objects: Sequence[ExistingObject], taken: Iterable[str]) -> list[str]:
    """Return logical names, unique among all kinds, because programs use them as keys and variables."""
    return _unique(objects, "-", lambda _type, name: name, taken)


def terraform_names(objects: Sequence[ExistingObject], taken: Iterable[str]) -> list[str]:
    """Return resource names, unique among their type. The names in use are addresses, `type.name`."""
    return _unique(objects, "_", lambda type_, name: f"{type_}.{name}", taken)


def _host_in(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""  # the service may store a URL that is not valid


def base_name(each: ExistingObject, separator: str) -> str:
    """Return the lower-case words of a label. Of a URL it is only the host, because the rest may contain a secret."""
    label = _host_in(each.label) if "://" in each.label else each.label
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    if not words or words[0][0].isdigit():
        words.insert(0, each.kind.name.replace("_", separator))
    return separator.join(words)


def _unique(
    objects: Sequence[ExistingObject], separator: str, address: Callable[[str, str], str], taken: Iterable[str]
) -> list[str]:
    used = set(taken)
    kinds: dict[str, str] = {}
    names = []
    for each in objects:
        kind = each.kind.name
        base = base_name(each, separator)
        # If an object of another kind has the name, append the kind: it is clearer than a number.
        if kinds.setdefault(address(each.kind.type, base), kind) != kind:
            base = separator.join([base, kind.replace("_", separator)])
        name = next(name for name in _numbered(base, separator) if address(each.kind.type, name) not in used)
        used.add(address(each.kind.type, name))
        names.append(name)
    return names


def _numbered(start: str, separator: str) -> Iterator[str]:
    yield start
    yield from (f"{start}{separator}{number}" for number in count(2))
