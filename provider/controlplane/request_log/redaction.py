"""Bodies and paths as they may be stored: secrets masked, and with a limit of size. Pure.

Every request pays for this. A body whose words cannot contain a secret is therefore stored as it is. Any other body is
copied in a walk that ends when the limit is reached.
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
# At other depths or lengths, trying to take a value whole would cost more than it saves.
_DEEPEST_WHOLE, _LONGEST_WHOLE = 4, 25
_FOR_MARKS = 1024  # bytes reserved for the marks of what was left out
# A text without any of these words (in lower case) is not changed by the rules below. "://" has a rule of its own.
_TRACES = (
    *("pass", "secret", "token", "credential", "apikey", "api_key", "authorization", "sql_preview", "variable"),
    *("error_message", '"error": "', '"rows"', '"results"', '"url"', '"query"', '"sql"', '"query_id"'),
)
# The two most frequent secrets of responses, where JSON writes them without escapes.
_FLAT = re.compile(r'"(db_password|secret)": "[^"\\]*"')
_HARMLESS = ('"db_password": "***"', '"secret": "***"', '"api_key": {')
# Fields whose value is a secret, or is text that contains values of variables or rows.
_SECRET = re.compile(
    r"pass(word|wd|phrase)|secret|token|credential|api_?key$|authorization|^sql_preview$|^query$|^sql$", re.IGNORECASE
)
# A blueprint's variables, in any field: their names stay, their values are masked.
_VARIABLES = frozenset({"variables", "blueprint_variables", "variable_values"})
_KEY_IN_TEXT = re.compile(r"\b(whsec_|pk_live_)(?!\*\*\*)[!-~]+")
_PASSWORD_IN_URL = re.compile(r"(://[^\s/@:]*):(?!\*\*\*@)[^\s/@]+@")
# A path segment this long, with digits and without dashes, is more likely a capability than a name.
_CAPABILITY = re.compile(r"(?=[^/]*[0-9])[A-Za-z0-9_~+=]{16,}|[A-Za-z0-9_~+=\-]{40,}")
# The query parameters of the API. The values of other parameters are masked.
_PLAIN_PARAMETERS = frozenset({"limit", "starting_after", "wait", "timeout"})


@dataclass(frozen=True)
class RedactedBody:
    """A body as it may be stored.

    Attributes:
        json: The masked value as JSON text.
        is_cut: Whether something was left out for its size.
    """

    json: str
    is_cut: bool


def redact_body(value: object, text: str | None = None) -> RedactedBody:
    """Mask the secrets of parsed JSON, and cut it to LONGEST_BODY bytes of JSON.

    Args:
        value: Parsed JSON.
        text: The JSON text of `value`, if the caller has it.
    """
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
    """Return JSON text that PostgreSQL can store; None if the value is nested too deeply."""
    try:
        text = _ENCODER.encode(value)
    except RecursionError:
        return None
    except ValueError:
        # 1e999 is valid JSON, but its value cannot be written as JSON.
        text = json.dumps(_without_infinity(value), ensure_ascii=False)
    # A lone surrogate cannot be stored as UTF-8. It is written as the JSON escape that it came from.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _without_infinity(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_infinity(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_infinity(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _mask_flat(text: str) -> str:
    """Mask the most frequent secrets in JSON text. No match spans two strings: JSON has a space in between."""
    if '"db_password"' in text or '"secret"' in text:
        text = _FLAT.sub(lambda match: f'"{match[1]}": "{MASK}"', text)
    return _PASSWORD_IN_URL.sub(_mask_password, text) if "://" in text else text


def _mask_password(match: re.Match[str]) -> str:
    """Return a match of _PASSWORD_IN_URL, masked. Python 3.11 expands a template more slowly."""
    return f"{match[1]}:{MASK}@"


def _is_clean(text: str) -> bool:
    """Return whether no rule can apply to anything in this JSON text."""
    if ("pk_live_" in text or "whsec_" in text) and _KEY_IN_TEXT.search(text):
        return False
    small = text.lower()
    for harmless in _HARMLESS:
        if harmless in small:
            small = small.replace(harmless, "")
    for trace in _TRACES:  # a loop takes a third of the time of any()
        if trace in small:
            return False
    return "://" not in small or not _PASSWORD_IN_URL.search(text)


def redact_text(text: str) -> str:
    """Mask keys, signing secrets and passwords of URLs in a text."""
    if "://" not in text and "pk_live_" not in text and "whsec_" not in text:
        return text
    return _PASSWORD_IN_URL.sub(_mask_password, _KEY_IN_TEXT.sub(rf"\1{MASK}", text))


def redact_url(url: str) -> str:
    """Mask the secrets of a webhook's URL: query values, password, and segments that look like capabilities."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    host = parts.netloc.rpartition("@")[2]
    path = "/".join(MASK if _CAPABILITY.fullmatch(segment) else segment for segment in parts.path.split("/"))
    query = _mask_query(parts.query, frozenset())
    return redact_text(urlunsplit((parts.scheme, host, path, query, "")))


def redact_path(path: str, query: str) -> str:
    """Return a request's path with its query. The values of parameters that the API does not have are masked."""
    return redact_text(f"{path}?{_mask_query(query, _PLAIN_PARAMETERS)}" if query else path)


def _mask_query(query: str, plain: frozenset[str]) -> str:
    try:
        pairs = parse_qsl(query, keep_blank_values=True)
    except ValueError:
        return MASK
    return urlencode([(name, value if name in plain else MASK) for name, value in pairs], safe="*", encoding="utf-8")


class _Walk:
    """Copies a JSON value, masked, until its room (in characters) is used up."""

    def __init__(self, room: int) -> None:
        self._left = room
        self.is_cut = False

    def copy(self, value: object, depth: int) -> object:
        """Return a masked copy of a value."""
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
        """Return whether a value is clean and fits: most items of a list are, and that is quicker than a walk."""
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
            shown = self._string(name)  # before the value, which may use up the room
            copy[shown] = self._field(name, item, value, depth)
        return copy

    def _field(self, name: str, item: object, parent: Mapping[str, object], depth: int) -> object:
        if item is None or isinstance(item, bool):
            return self.copy(item, depth)
        if name in _VARIABLES:
            return self.copy(_names_only(item), depth + 1)
        # GET /me describes the key in a field whose name means the raw key elsewhere.
        if _is_secret(name) and not (name == "api_key" and isinstance(item, dict)):
            return self._string(MASK)
        # An engine's message about a statement may repeat the values in it.
        if (name == "error" and isinstance(item, str)) or (name == "error_message" and "execution_log" in parent):
            return self._string(MASK)
        # The same for a query. Only errors of queries have `query_id` among their details.
        if (name == "message" and _is_of_query(parent.get("details"))) or (name == "hint" and _is_of_query(parent)):
            return self._string(MASK)
        if name in ("rows", "results") and isinstance(item, list):
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
