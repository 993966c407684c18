"""Log lines in the format of hclog, which the engine reads from stderr: one JSON object each, with its level."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from resourcekit.plugin.logging import parse_level


class HclogFormatter(logging.Formatter):
    """Formats records as hclog does."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one JSON object."""
        line = {
            "@level": {"WARNING": "warn", "CRITICAL": "error"}.get(record.levelname, record.levelname.lower()),
            "@message": record.getMessage(),
            "@module": record.name,
            "@timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        trace = getattr(record, "trace", None)
        return json.dumps(line | ({"trace": trace} if trace else {}))


def configure_hclog(level_name: str | None) -> None:
    """Send the records of every logger to stderr.

    Args:
        level_name: The level in the user's setting; None for the default, `info`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(HclogFormatter())
    level, problem = parse_level(level_name, "info")
    logging.basicConfig(handlers=[handler], level=level.upper())
    if problem:
        logging.getLogger(__name__).warning(problem)
