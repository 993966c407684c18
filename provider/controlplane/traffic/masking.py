"""Bodies and paths as they may be kept: secrets masked, and never more than so many bytes. Pure.

The copy is made in one walk that ends when the bytes are used up, so a large body costs no more than a small one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MASK = "***"
LONGEST_BODY = 16 * 1024  # bytes of JSON

_DEEPEST = 20
_FOR_MARKS = 1024  # bytes kept free for the marks of what was left out
# Fields whose value is a secret, or is text with values of variables in it.
_SECRET = re.compile(
    r"pass(word|wd|phrase)|secret|token|credential|api_?key$|authorization|^sql_preview$", re.IGNORECASE
)
# Names stay, values do not: a blueprint's variables, by whatever field they come.
_VARIABLES = frozenset({"variables", "blueprint_variables", "variable_values"})
_IN_TEXT = (
    (re.compile(r"\b(whsec_|pk_live_)[!-~]+"), rf"\1{MASK}"),
    (re.compile(r"(://[^\s/@:]*):[^\s/@]+@"), rf"\1:{MASK}@"),
)
# A path segment that long, with digits in it and no word's dashes, is more likely a capability than a name.
_CAPABILITY = re.compile(r"(?=[^/]*[0-9])[A-Za-z0-9_~+=]{16,}|[A-Za-z0-9_~+=\-]{40,}")
# The query parameters of the API; what else a caller puts there is nobody's business.
_PLAIN_PARAMETERS = frozenset({"limit", "starting_after", "wait", "timeout"})


@dataclass(frozen=True)
class Kept:
    """json: the masked value as JSON text. is_cut: something was left out for its size."""

    json: str
    is_cut: bool


def kept(value: object, limit: int = LONGEST_BODY) -> Kept:
    """`value` (parsed JSON) as it may be kept, in at most `limit` bytes of JSON."""
    walk = _Walk(limit - _FOR_MARKS)
    copy = walk.copy(value, 0)
    text = json.dumps(copy, ensure_ascii=False, separators=(", ", ": "))
    # A lone surrogate cannot be stored as UTF-8; this writes it as the JSON escape that it came as.
    return Kept(text.encode("utf-8", "backslashreplace").decode(), walk.is_cut)


def mask_text(text: str) -> str:
    """Text without keys, signing secrets and passwords of URLs."""
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def mask_url(url: str) -> str:
    """A webhook's URL without what may let others in: query values, password, segments that look like capabilities."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    host = parts.netloc.rpartition("@")[2]
    path = "/".join(MASK if _CAPABILITY.fullmatch(segment) else segment for segment in parts.path.split("/"))
    query = _mask_query(parts.query, frozenset())
    return mask_text(urlunsplit((parts.scheme, host, path, query, "")))


def mask_target(path: str, query: str) -> str:
    """A request's path with its query, the values of parameters that the API does not have masked."""
    return mask_text(f"{path}?{_mask_query(query, _PLAIN_PARAMETERS)}" if query else path)


def _mask_query(query: str, plain: frozenset[str]) -> str:
    try:
        pairs = parse_qsl(query, keep_blank_values=True)
    except ValueError:
        return MASK
    return urlencode([(name, value if name in plain else MASK) for name, value in pairs], safe="*", encoding="utf-8")


class _Walk:
    """Copies a JSON value while its bytes last."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self.is_cut = False

    def copy(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return self._string(mask_text(value))
        if isinstance(value, dict | list):
            if depth >= _DEEPEST:
                self.is_cut = True
                return "…"
            return self._object(value, depth) if isinstance(value, dict) else self._list(value, depth)
        if isinstance(value, float) and not math.isfinite(value):
            return self._string(str(value))  # 1e999 came as JSON, but cannot be written as such
        self._left -= len(str(value)) + 1
        return value

    def _object(self, value: Mapping[str, object], depth: int) -> dict[str, object]:
        copy: dict[str, object] = {}
        for done, (name, item) in enumerate(value.items()):
            if self._left <= 0:
                self.is_cut = True
                copy["…"] = f"{len(value) - done} more"
                break
            self._left -= 6
            shown = self._string(name)  # before the value, which may take all that is left
            copy[shown] = self._field(name, item, value, depth)
        return copy

    def _field(self, name: str, item: object, parent: Mapping[str, object], depth: int) -> object:
        if item is None or isinstance(item, bool):
            return self.copy(item, depth)
        if name in _VARIABLES:
            return self.copy(_names_only(item), depth + 1)
        # GET /me tells about the key under the name that elsewhere is the key's.
        if _SECRET.search(name) and not (name == "api_key" and isinstance(item, dict)):
            return self._string(MASK)
        # What PostgreSQL says of a statement may repeat the values in it.
        if (name == "error" and isinstance(item, str)) or (name == "error_message" and "execution_log" in parent):
            return self._string(MASK)
        if name == "rows" and isinstance(item, list):
            return self._string(f"{MASK} {len(item)} rows")
        if name == "url" and isinstance(item, str):
            return self._string(mask_url(item))
        return self.copy(item, depth + 1)

    def _list(self, value: list[object], depth: int) -> list[object]:
        copy: list[object] = []
        for done, item in enumerate(value):
            if self._left <= 0:
                self.is_cut = True
                copy.append(f"… {len(value) - done} more")
                break
            self._left -= 2
            copy.append(self.copy(item, depth + 1))
        return copy

    def _string(self, text: str) -> str:
        room = max(self._left, 0)
        piece = text[:room]
        while (size := _size(piece)) > room and piece:
            piece = piece[: min(len(piece) - 1, len(piece) * room // size)]
        self._left -= _size(piece)
        if len(piece) == len(text):
            return text
        self.is_cut = True
        return f"{piece}… {len(text) - len(piece)} more characters"


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def _names_only(item: object) -> object:
    return dict.fromkeys(item, MASK) if isinstance(item, dict) else MASK
