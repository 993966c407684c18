"""The API's three styles of time (C8). All take an aware time and write it in UTC, to the second."""

from __future__ import annotations

from datetime import UTC, datetime


def format_z(moment: datetime) -> str:
    """`2026-02-10T14:23:01Z`: databases, blueprints, applications."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_naive(moment: datetime) -> str:
    """`2026-02-10 14:23:01`: webhooks, last_used_at, destroy_scheduled_at."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def format_offset(moment: datetime) -> str:
    """`2026-02-10T14:23:01+00:00`: webhook event bodies."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
