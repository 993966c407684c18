"""One entry of the request log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Entry:
    """One answered request, secrets masked.

    id: None until it is stored. key_id, key_preview: None when no key was recognised. target: the path from the root
    with its query. operation: None when no route was reached. code: the error's, None on success. ms: until the
    answer was ready. headers: in small letters, the few that matter. request_body, response_body: JSON text, None
    when there was none (or it was not JSON); …_is_cut: something of it was left out for its size.
    """

    at: datetime
    request_id: str
    key_id: int | None
    key_preview: str | None
    method: str
    target: str
    operation: str | None
    status: int
    code: str | None
    ms: float
    headers: Mapping[str, str]
    request_body: str | None
    request_is_cut: bool
    response_body: str
    response_is_cut: bool
    id: int | None = None
