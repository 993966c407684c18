"""The command that repeats a request. Pure."""

from __future__ import annotations

import shlex

from controlplane.request_log.recorder import Entry
from controlplane.request_log.redaction import MASK

_PREFIX = "/api/v1"
_REPEATED_HEADERS = ("Idempotency-Key", "Content-Type")


def as_curl(entry: Entry) -> str:
    """Return a command for a POSIX shell. The key and the base URL come from the environment, as for every client.

    The Idempotency-Key is that of the request, so repeating a change replays its response. What was masked or cut must
    be filled in first; a comment above the command says so.
    """
    words = ["curl", "-sS"]
    if entry.method != "GET":
        words += ["-X", shlex.quote(entry.method)]
    path = entry.target.removeprefix(_PREFIX)
    # Exactly this path: no globs, no dots resolved.
    words += ["--globoff", "--path-as-is", f'"$POLYKOMOS_BASE_URL"{shlex.quote(path) if path else ""}']
    words += ["-H", '"Authorization: Bearer $POLYKOMOS_API_KEY"']
    for name in _REPEATED_HEADERS:
        value = entry.headers.get(name.lower())
        if value is not None and (name != "Content-Type" or entry.request_body is not None):
            words += ["-H", shlex.quote(f"{name}: {value}")]
    if entry.request_body is not None:
        words += ["--data-raw", shlex.quote(entry.request_body)]
    return "\n".join([*_remarks(entry), " ".join(words)])


def _remarks(entry: Entry) -> list[str]:
    remarks = []
    if entry.request_body is None and entry.headers.get("content-length", "0") != "0":
        remarks.append("# The body was not read as JSON and is not stored.")
    if entry.request_is_cut:
        remarks.append("# The body was too long to be stored whole: fill in what is missing where … stands.")
    if MASK in (entry.request_body or "") or MASK in entry.target:
        remarks.append(f"# Secrets are not stored: fill in what {MASK} stands for.")
    return remarks
