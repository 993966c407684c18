"""Why a query has no answer; each becomes an error of the API (see answering.py)."""

from __future__ import annotations

from collections.abc import Sequence


class TranslationError(Exception):
    """No translator has SQL for the text. The message says why, in a sentence."""


class UnsafeSqlError(Exception):
    """The SQL, or what was asked for, is not run. reasons: one for each thing found."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)


class SqlError(Exception):
    """The engine's own words for what is wrong. hint: its advice, if it has one."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class TranslatorError(Exception):
    """The model's endpoint gave no SQL; the message names neither its URL nor its key."""
