"""Bodies and paths as they may be kept: secrets masked, and never more than so many bytes. Pure.

Every request pays for this, so what can hold no secret by the words in it is kept as it is; the rest is copied in a
walk that ends when the bytes are used up.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MASK = "***"
LONGEST_BODY = 16 * 1024  # bytes of JSON

_DEEPEST = 20
# Below and beyond these, trying to take a thing whole would cost more than it saves.
_DEEPEST_WHOLE, _LONGEST_WHOLE = 4, 25
_FOR_MARKS = 1024  # bytes kept free for the marks of what was left out
# Where none of these words is (in small letters), none of the rules below applies. "://" has a rule of its own.
_TRACES = (
    *("pass", "secret", "token", "credential", "apikey", "api_key", "authorization", "sql_preview", "variable"),
    *("error_message", '"error": "', '"rows"', '"url"', '"query"', '"sql"', '"query_id"'),
)
# The two secrets that most answers with a secret have, where JSON writes them without escapes.
_FLAT = re.compile(r'"(db_password|secret)": "[^"\\]*"')
_HARMLESS = ('"db_password": "***"', '"secret": "***"', '"api_key": {')
# Fields whose value is a secret, or is text with values of variables or rows in it.
_SECRET = re.compile(
    r"pass(word|wd|phrase)|secret|token|credential|api_?key$|authorization|^sql_preview$|^query$|^sql$", re.IGNORECASE
)
# Names stay, values do not: a blueprint's variables, by whatever field they come.
_VARIABLES = frozenset({"variables", "blueprint_variables", "variable_values"})
_KEY_IN_TEXT = re.compile(r"\b(whsec_|pk_live_)(?!\*\*\*)[!-~]+")
_PASSWORD_IN_URL = re.compile(r"(://[^\s/@:]*):(?!\*\*\*@)[^\s/@]+@")
# A path segment that long, with digits in it and no word's dashes, is more likely a capability than a name.
_CAPABILITY = re.compile(r"(?=[^/]*[0-9])[A-Za-z0-9_~+=]{16,}|[A-Za-z0-9_~+=\-]{40,}")
# The query parameters of the API; what else a caller puts there is nobody's business.
_PLAIN_PARAMETERS = frozenset({"limit", "starting_after", "wait", "timeout"})


@dataclass(frozen=True)
class RedactedBody:
    """json: the masked value as JSON text. is_cut: something was left out for its size."""

    json: str
    is_cut: bool


def redact_body(value: object, text: str | None = None) -> RedactedBody:
    """`value` (parsed JSON) as it may be kept, in at most LONGEST_BODY bytes of JSON. text: its JSON, if at hand."""
    if text is None:
        text = _dump(value)
    if text is not None and len(text) <= LONGEST_BODY:
        text = _mask_flat(text)
        if _is_clean(text) and len(text.encode()) <= LONGEST_BODY:
            return RedactedBody(text, is_cut=False)
    room = LONGEST_BODY - _FOR_MARKS
    while True:
        walk = _Walk(room)
        copy = _dump(walk.copy(value, 0)) or '"…"'
        size = len(copy.encode())
        if size <= LONGEST_BODY:
            return RedactedBody(copy, walk.is_cut)
        # The walk counts characters; some of these take more bytes than others.
        room = min(room // 2, room * LONGEST_BODY // size)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)


def _dump(value: object) -> str | None:
    """JSON text that PostgreSQL can store; None for what is nested too deeply."""
    try:
        text = _ENCODER.encode(value)
    except RecursionError:
        return None
    except ValueError:
        # 1e999 came as JSON, but cannot be written as such.
        text = json.dumps(_without_infinity(value), ensure_ascii=False)
    # A lone surrogate cannot be stored as UTF-8; this writes it as the JSON escape that it came as.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _without_infinity(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_infinity(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_infinity(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _mask_flat(text: str) -> str:
    """JSON text with the commonest secrets masked in place. No match spans two strings: JSON has a space in between."""
    if '"db_password"' in text or '"secret"' in text:
        text = _FLAT.sub(rf'"\1": "{MASK}"', text)
    return _PASSWORD_IN_URL.sub(rf"\1:{MASK}@", text) if "://" in text else text


def _is_clean(text: str) -> bool:
    """Whether no rule can apply to anything in this JSON text."""
    if ("pk_live_" in text or "whsec_" in text) and _KEY_IN_TEXT.search(text):
        return False
    small = text.lower()
    for harmless in _HARMLESS:
        if harmless in small:
            small = small.replace(harmless, "")
    for trace in _TRACES:  # a loop, as it takes a third of the time that any() would
        if trace in small:
            return False
    return "://" not in small or not _PASSWORD_IN_URL.search(text)


def redact_text(text: str) -> str:
    """Text without keys, signing secrets and passwords of URLs."""
    if "://" not in text and "pk_live_" not in text and "whsec_" not in text:
        return text
    return _PASSWORD_IN_URL.sub(rf"\1:{MASK}@", _KEY_IN_TEXT.sub(rf"\1{MASK}", text))


def redact_url(url: str) -> str:
    """A webhook's URL without what may let others in: query values, password, segments that look like capabilities."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    host = parts.netloc.rpartition("@")[2]
    path = "/".join(MASK if _CAPABILITY.fullmatch(segment) else segment for segment in parts.path.split("/"))
    query = _mask_query(parts.query, frozenset())
    return redact_text(urlunsplit((parts.scheme, host, path, query, "")))


def redact_path(path: str, query: str) -> str:
    """A request's path with its query, the values of parameters that the API does not have masked."""
    return redact_text(f"{path}?{_mask_query(query, _PLAIN_PARAMETERS)}" if query else path)


def _mask_query(query: str, plain: frozenset[str]) -> str:
    try:
        pairs = parse_qsl(query, keep_blank_values=True)
    except ValueError:
        return MASK
    return urlencode([(name, value if name in plain else MASK) for name, value in pairs], safe="*", encoding="utf-8")


class _Walk:
    """Copies a JSON value, masked, while its room (in characters) lasts."""

    def __init__(self, room: int) -> None:
        self._left = room
        self.is_cut = False

    def copy(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return self._string(redact_text(value))
        if isinstance(value, dict | list):
            if depth >= _DEEPEST:
                self.is_cut = True
                return "…"
            if 0 < depth <= _DEEPEST_WHOLE and len(value) <= _LONGEST_WHOLE and self._fits_as_it_is(value):
                return value
            return self._object(value, depth) if isinstance(value, dict) else self._list(value, depth)
        self._left -= len(str(value)) + 1
        return value

    def _fits_as_it_is(self, value: dict[str, object] | list[object]) -> bool:
        """Most of a list's items are clean, and writing one as JSON is quicker than walking through it."""
        text = _dump(value)
        if text is None or len(text) > self._left or not _is_clean(text):
            return False
        self._left -= len(text)
        return True

    def _object(self, value: Mapping[str, object], depth: int) -> dict[str, object]:
        copy: dict[str, object] = {}
        for done, (name, item) in enumerate(value.items()):
            if self._left <= 0:
                self.is_cut = True
                copy["…"] = f"{len(value) - done} more"
                break
            self._left -= 3
            shown = self._string(name)  # before the value, which may take all that is left
            copy[shown] = self._field(name, item, value, depth)
        return copy

    def _field(self, name: str, item: object, parent: Mapping[str, object], depth: int) -> object:
        if item is None or isinstance(item, bool):
            return self.copy(item, depth)
        if name in _VARIABLES:
            return self.copy(_names_only(item), depth + 1)
        # GET /me tells about the key under the name that elsewhere is the key's.
        if _is_secret(name) and not (name == "api_key" and isinstance(item, dict)):
            return self._string(MASK)
        # What an engine says of a statement may repeat the values in it.
        if (name == "error" and isinstance(item, str)) or (name == "error_message" and "execution_log" in parent):
            return self._string(MASK)
        # The same of a query; only its errors have its number among their details.
        if (name == "message" and _is_of_query(parent.get("details"))) or (name == "hint" and _is_of_query(parent)):
            return self._string(MASK)
        if name == "rows" and isinstance(item, list):
            return self._string(f"{MASK} {len(item)} rows")
        if name == "url" and isinstance(item, str):
            return self._string(redact_url(item))
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
        self._left -= len(text) + 3
        if len(text) <= room:
            return text
        self.is_cut = True
        return f"{text[:room]}… {len(text) - room} more characters"


@functools.lru_cache(maxsize=512)
def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def _is_of_query(details: object) -> bool:
    return isinstance(details, dict) and "query_id" in details


def _names_only(item: object) -> object:
    return dict.fromkeys(item, MASK) if isinstance(item, dict) else MASK
