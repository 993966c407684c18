"""Structured logs on stderr: one JSON object a line, or readable lines where stderr is a terminal."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import MemoryHandler

_BUFFERED_LINES = 1000
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str, check_circular=False)
_MESSAGE_WIDTH = 24


def _entry(record: logging.LogRecord) -> dict[str, object]:
    """Return the time, level, logger and message of a record, and the `extra={"facts": {…}}` of the call."""
    return {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
        **getattr(record, "facts", {}),
    }


class JsonFormatter(logging.Formatter):
    """Format a record as one JSON object in one line. `exception` contains the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON line."""
        line = _entry(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ENCODER.encode(line)


class TerminalFormatter(logging.Formatter):
    """Format a record for a person: time of day, level, message, logger, then each fact as `name=value`.

    A request may contain characters that control a terminal, in its path for example. They are escaped.
    """

    def __init__(self, *, colors: bool) -> None:
        from structlog.dev import ConsoleRenderer  # only here: JSON lines do not need it

        super().__init__()
        self._renderer = ConsoleRenderer(
            colors=colors,
            sort_keys=False,
            event_key="message",
            timestamp_key="time",
            pad_event_to=_MESSAGE_WIDTH,
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the readable line."""
        entry = {name: _printable(str(value)) for name, value in _entry(record).items()}
        entry["time"] = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        if record.exc_info:
            entry["exception"] = "\n".join(map(_printable, self.formatException(record.exc_info).splitlines()))
        return str(self._renderer(None, record.levelname.lower(), dict(entry)))


def _printable(text: str) -> str:
    """Escape characters that move a cursor, colour a terminal or end a line."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def choose_formatter() -> logging.Formatter:
    """Return the formatter for stderr: readable on a terminal, without colour if NO_COLOR is set; JSON elsewhere."""
    if sys.stderr.isatty():
        return TerminalFormatter(colors=not os.environ.get("NO_COLOR"))
    return JsonFormatter()


def configure_logging() -> Callable[[], None]:
    """Send all logs of this process to stderr.

    Lines below WARNING wait until the returned function is called, or the process ends. On a terminal the export lines
    then come first, where they can be copied.

    Returns:
        A function that writes the waiting lines and ends the delay.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(choose_formatter())
    buffer = MemoryHandler(_BUFFERED_LINES, flushLevel=logging.WARNING, target=handler)
    logging.basicConfig(level=logging.INFO, handlers=[buffer], force=True)
    # No line shows these, and every record would look them up.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # psycopg's pool writes two lines for each use of a connection.
    for name in ("uvicorn", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.WARNING)

    def release() -> None:
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)  # flushes and closes the buffer

    return release
