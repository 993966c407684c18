"""The entry: a text in plain language into one statement, or into the reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controlplane.queries.failures import NotUnderstood
from controlplane.queries.translation.schema import Schema


@dataclass(frozen=True)
class Translation:
    """beyond: finds a row exactly when there are more than the LIMIT in `sql` that was put there for safety."""

    sql: str
    beyond: str | None = None


def translate(text: str, schema: Schema, now: datetime) -> Translation:
    """Raises NotUnderstood."""
    raise NotUnderstood("not yet")
