"""Request bodies: bounded, and JSON or nothing."""

from __future__ import annotations

import json
from typing import NoReturn

from starlette.requests import Request

from controlplane.http.errors import ApiError

MAX_BODY = 1024 * 1024
# Read on past the limit, so that the client gets to see the 413 instead of a connection reset while it sends.
_MAX_DRAIN = 16 * MAX_BODY


async def read_body(request: Request) -> bytes:
    """The raw body; raises 413 `payload_too_large` over 1 MiB."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY:
            chunks.append(chunk)
        elif size > _MAX_DRAIN:
            break
    if size > MAX_BODY:
        raise ApiError(413, "payload_too_large", f"The request body exceeds {MAX_BODY} bytes.", {"max_bytes": MAX_BODY})
    return b"".join(chunks)


def parse_json(raw: bytes) -> object:
    """The JSON value; raises 400 `invalid_json` for anything else, an empty body and NaN included."""
    try:
        value: object = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ApiError(400, "invalid_json", "The request body is not valid JSON.") from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
