"""The log of the control plane: readable lines on a terminal, JSON elsewhere."""

from __future__ import annotations

import json
import logging
import os
import re
import sys

import pytest

from controlplane.logging import JsonFormatter, TerminalFormatter, choose_formatter


def record(message: str = "request", **facts: object) -> logging.LogRecord:
    made = logging.LogRecord("controlplane.request", logging.INFO, "", 0, message, (), None)
    made.facts = facts
    return made


def test_a_readable_line_has_level_message_logger_and_facts() -> None:
    line = TerminalFormatter(colors=False).format(record(method="GET", status=200, request_id="req_1"))
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d \[info +\] request +\[controlplane\.request\] method=GET status=200 request_id=req_1", line
    )


def test_a_readable_line_holds_no_character_that_controls_a_terminal() -> None:
    line = TerminalFormatter(colors=False).format(record("mess\x1b[2Jage", path="/a\x1b]0;title\x07\r\nb\u202e"))
    assert line.isprintable()
    assert "\\x1b" in line


def test_a_readable_traceback_is_whole_and_holds_no_such_character() -> None:
    try:
        raise ValueError("first\x1b[31m\nsecond")
    except ValueError:
        failed = record("failed")
        failed.exc_info = sys.exc_info()
    text = TerminalFormatter(colors=False).format(failed)
    assert "Traceback" in text
    assert "ValueError: first\\x1b[31m" in text
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_gets_readable_lines_and_no_color_is_honoured(
    monkeypatch: pytest.MonkeyPatch, no_color: str
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    ours, theirs = os.openpty()
    with open(theirs, "w") as terminal, open(ours):  # noqa: PTH123 - descriptors
        monkeypatch.setattr(sys, "stderr", terminal)
        formatter = choose_formatter()
    assert isinstance(formatter, TerminalFormatter)
    assert ("\x1b" in formatter.format(record(status=200))) is not bool(no_color)


def test_anything_else_gets_json(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull, "w") as sink:  # noqa: PTH123
        monkeypatch.setattr(sys, "stderr", sink)
        formatter = choose_formatter()
    assert isinstance(formatter, JsonFormatter)
    line = json.loads(formatter.format(record(request_id="req_1")))
    assert line.keys() == {"time", "level", "logger", "message", "request_id"}
