"""Log lines as the engine reads them from stderr: one JSON object each, which keeps its level (hclog)."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from resourcekit.plugin.logging import parse_level


class HclogFormatter(logging.Formatter):
    """A record as hclog writes it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "@level": {"WARNING": "warn", "CRITICAL": "error"}.get(record.levelname, record.levelname.lower()),
            "@message": record.getMessage(),
            "@module": record.name,
            "@timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        trace = getattr(record, "trace", None)
        return json.dumps(line | ({"trace": trace} if trace else {}))


def configure_hclog(wanted: str | None) -> None:
    """Send every logger's records to stderr. wanted: the level's name, as the user gave it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(HclogFormatter())
    level, problem = parse_level(wanted, "info")
    logging.basicConfig(handlers=[handler], level=level.upper())
    if problem:
        logging.getLogger(__name__).warning(problem)
