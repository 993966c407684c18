"""Reasons why a query fails. Each becomes an error of the API (see execute.py)."""

from __future__ import annotations

from collections.abc import Sequence


class TranslationError(Exception):
    """No translator has SQL for the text. The message says why, in a complete sentence."""


class UnsafeSqlError(Exception):
    """The SQL is not allowed in a query."""

    def __init__(self, reasons: Sequence[str]) -> None:
        """Take the reasons: one for each part of the SQL that is not allowed."""
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)


class SqlError(Exception):
    """The database server rejects the SQL or does not answer."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Take the server's message, and its hint if it sent one."""
        super().__init__(message)
        self.hint = hint


class TranslatorError(Exception):
    """The model's endpoint returned no SQL. The message contains neither its URL nor its key."""
