"""The service's prose reference, where it is beside this checkout: its code samples, and the answers printed there.

The text has lost its line breaks within samples: they are put back by the rules of each language.
"""

from __future__ import annotations

import io
import json
import keyword
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from support.openapi import ORIGINAL

REFERENCE = ORIGINAL.with_name("000-polykomos-api-reference.txt")
ABSENT = "the service's reference is not beside this checkout"
ELIDED = "…"
_OPERATION = re.compile(r"(?:GET|POST|PATCH|DELETE) /api/v1/\S+")
_ANSWER = re.compile(r"(\d{3})(?: Error)? Response")
_SAMPLES = {
    "sh": re.compile(r"(?:# .* )?curl "),
    "python": re.compile(r"(?:import (?:requests|uuid)|resp = requests)\b"),
    "javascript": re.compile(r"const \w+ = (?:await fetch|\")"),
}


@dataclass
class Entry:
    """One operation of the reference. samples: by language. answers: status and body as they are printed."""

    samples: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[int, Any]] = field(default_factory=list)


def entries() -> dict[str, Entry]:
    """By method and path; "" is the quick start."""
    found: dict[str, Entry] = {"": Entry()}
    entry = found[""]
    lines = iter(REFERENCE.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if _OPERATION.fullmatch(line):
            entry = found.setdefault(line, Entry())
        elif answer := _ANSWER.match(line):
            entry.answers.append((int(answer[1]), _printed(next(lines))))
        for language, looks in _SAMPLES.items():
            if looks.match(line):
                entry.samples.setdefault(language, _UNFOLDED[language](line))
    return found


def _printed(text: str) -> Any:
    """JSON whose dots stand for what is left out."""
    text = text.replace("{ ... }", f'{{ "{ELIDED}": 0 }}')
    try:
        return json.loads(re.sub(r", \.\.\.(?= [}\]])", f', "{ELIDED}": 0', text))
    except ValueError:
        return None


def _shell(line: str) -> str:
    return re.sub(r"(?:# [A-Z][^#]*? )?(?=\bcurl )", "\n", line.replace(" \\ -", " -"))


def _python(line: str) -> str:
    line = re.sub(r"# [A-Z][\w ,!']*?(?= import | print\(| \w+ = |$)", "", line)
    return "".join(_statements(line))


def _statements(line: str) -> Iterator[str]:
    """A new one begins where a name follows on what ends an expression."""
    depth, before, at = 0, None, 0
    for token in tokenize.generate_tokens(io.StringIO(line).readline):
        begins = token.type == tokenize.NAME and token.string not in ("as", "in", "if", "else", "for", "and", "or")
        ended = before is not None and (
            before.type in (tokenize.STRING, tokenize.NUMBER)
            or (before.type == tokenize.NAME and not keyword.iskeyword(before.string))
            or before.string in (")", "]", "}")
        )
        if depth == 0 and begins and ended:
            yield line[at : token.start[1]].strip() + "\n"
            at = token.start[1]
        depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
        before = token
    yield line[at:].strip() + "\n"


def _javascript(line: str) -> str:
    return re.sub(r"// [A-Z][\w `!]*?(?= const | console|$)", "\n", line)


_UNFOLDED = {"sh": _shell, "python": _python, "javascript": _javascript}
