"""The service's prose reference, where it is beside this checkout: its code samples, and the answers printed there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from support.openapi import ORIGINAL
from support.reformat_samples import UNFOLDED

REFERENCE = ORIGINAL.with_name("000-polykomos-api-reference.txt")
ABSENT = "the service's reference is not beside this checkout"
ELIDED = "…"
GUIDE = "guide"
_OPERATION = re.compile(r"(?:GET|POST|PATCH|DELETE) /api/v1/\S+")
_ANSWER = re.compile(r"(\d{3})(?: Error)? Response")
_SAMPLES = {
    "sh": re.compile(r"(?:# .* )?curl "),
    "python": re.compile(r"(?:import (?:requests|uuid)|resp = requests)\b"),
    "javascript": re.compile(r"const \w+ = (?:await fetch|\")"),
    "php": re.compile(r"\$\w+ = (?:curl_init|\")"),
    "ruby": re.compile(r'require "net/http"'),
    "go": re.compile(r"package main "),
}


@dataclass
class Entry:
    """One operation of the reference. samples: by language. answers: status and body as they are printed."""

    samples: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[int, Any]] = field(default_factory=list)


def entries() -> dict[str, Entry]:
    """By method and path; "" is the quick start, and `GUIDE` with a line's number what the guides show besides."""
    found: dict[str, Entry] = {"": Entry()}
    entry = found[""]
    lines = enumerate(REFERENCE.read_text(encoding="utf-8").splitlines(), 1)
    for number, line in lines:
        if _OPERATION.fullmatch(line):
            entry = found.setdefault(line, Entry())
        elif answer := _ANSWER.match(line):
            entry.answers.append((int(answer[1]), _printed(next(lines)[1])))
        for language, looks in _SAMPLES.items():
            if looks.match(line):
                shown = found.setdefault(f"{GUIDE} {number}", Entry()) if language in entry.samples else entry
                shown.samples[language] = UNFOLDED[language](line)
    return found


def _printed(text: str) -> Any:
    """JSON whose dots stand for what is left out."""
    text = text.replace("{ ... }", f'{{ "{ELIDED}": 0 }}')
    try:
        return json.loads(re.sub(r", \.\.\.(?= [}\]])", f', "{ELIDED}": 0', text))
    except ValueError:
        return None
