"""Names for adopted objects: valid in each engine, telling, and unique."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from urllib.parse import urlsplit

from polykomos_provider.adopt.inventory import ExistingObject


def pulumi_names(found: Sequence[ExistingObject], taken: Iterable[str]) -> list[str]:
    """Logical names. Unique among all kinds: programs make keys and variables of them."""
    return _unique(found, "-", lambda _type, name: name, taken)


def terraform_names(found: Sequence[ExistingObject], taken: Iterable[str]) -> list[str]:
    """The names in `type.name`, unique among their type. taken: whole addresses."""
    return _unique(found, "_", lambda type_, name: f"{type_}.{name}", taken)


def _host_in(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""  # the service may have what no URL is


def base_name(each: ExistingObject, separator: str) -> str:
    """What a label says, in lower-case words. Of a URL only the host: the rest may be somebody's secret."""
    label = _host_in(each.label) if "://" in each.label else each.label
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    if not words or words[0][0].isdigit():
        words.insert(0, each.kind.name.replace("_", separator))
    return separator.join(words)


def _unique(
    found: Sequence[ExistingObject], separator: str, address: Callable[[str, str], str], taken: Iterable[str]
) -> list[str]:
    used = set(taken)
    kinds: dict[str, str] = {}
    names = []
    for each in found:
        kind = each.kind.name
        base = base_name(each, separator)
        # Where another kind has the name, one's own kind tells more than a number does.
        if kinds.setdefault(address(each.kind.type, base), kind) != kind:
            base = separator.join([base, kind.replace("_", separator)])
        name = next(name for name in _numbered(base, separator) if address(each.kind.type, name) not in used)
        used.add(address(each.kind.type, name))
        names.append(name)
    return names


def _numbered(start: str, separator: str) -> Iterator[str]:
    yield start
    yield from (f"{start}{separator}{number}" for number in count(2))
