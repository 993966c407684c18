"""Structured logs: one JSON object a line on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import MemoryHandler

_BUFFERED_LINES = 1000


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, and what the call gave as `extra={"facts": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "facts", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging() -> Callable[[], None]:
    """Send everything of this process to stderr as JSON lines.

    Lines below WARNING wait until the returned function is called, or the process ends: on a terminal the export lines
    then come first, where they can be copied.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    buffer = MemoryHandler(_BUFFERED_LINES, flushLevel=logging.WARNING, target=handler)
    logging.basicConfig(level=logging.INFO, handlers=[buffer], force=True)
    # psycopg's pool writes two lines for each use of a connection.
    for name in ("uvicorn", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.WARNING)

    def release() -> None:
        buffer.flushLevel = logging.NOTSET
        buffer.flush()

    return release
