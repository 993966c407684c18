"""Code samples whose line breaks were lost, as they were: by the rules of each language."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator


def _shell(line: str) -> str:
    return re.sub(r"(?:# [A-Z][^#]*? )?(?=\bcurl )", "\n", line.replace(" \\ -", " -"))


def _javascript(line: str) -> str:
    return re.sub(r"// [A-Z][\w `!]*?(?= const | console|$)", "\n", line)


def _php(line: str) -> str:
    return re.sub(r"// [A-Z][^$;]*", "\n", line)


def _python(line: str) -> str:
    line = re.sub(r"# [A-Z][\w ,!']*?(?= import | print\(| \w+ = |$)", "", line)
    return "".join(_statements(line, keyword.kwlist, ("as", "in", "if", "else", "for", "and", "or")))


def _ruby(line: str) -> str:
    line = re.sub(r"# [A-Z][\w ,!']*?(?= puts | \w+ = |$)", "", line)
    return "".join(_statements(line, ("puts", "require"), ()))


def _go(line: str) -> str:
    """Mended as well: Go compiles no map of texts that holds numbers, and no variable that is not used."""
    parts = re.fullmatch(r"package main import \( (.*?) \) func main\(\) \{ (.*) \}", line)
    assert parts, line
    body = re.sub(r"// [A-Z][\w !]*?(?= \w+, \w+ :?= | fmt\.)", "", parts[2]).replace(
        "map[string]string{", "map[string]any{"
    )
    statements = "".join(_statements(body, ("var", "defer"), ("map", "string", "interface")))
    names = {name for found in re.findall(r"(\w+)(?:, (\w+))? :=|var (\w+) ", body) for name in found}
    uses = "".join(f"_ = {name}\n" for name in sorted(names - {"", "_"}))
    imports = parts[1].replace(" ", "\n")
    return f"package main\nimport (\n{imports}\n)\nfunc main() {{\n{statements}{uses}}}\n"


def _statements(line: str, never_end: Iterable[str], never_begin: Iterable[str]) -> Iterator[str]:
    """A new one begins where a name follows on what ends an expression, outside brackets. Python's tokens will do."""
    depth, before, at = 0, None, 0
    for token in tokenize.generate_tokens(io.StringIO(line).readline):
        begins = token.type == tokenize.NAME and token.string not in never_begin
        ended = before is not None and (
            before.type in (tokenize.STRING, tokenize.NUMBER)
            or (before.type == tokenize.NAME and before.string not in never_end)
            or before.string in (")", "]", "}")
        )
        if depth == 0 and begins and ended:
            yield line[at : token.start[1]].strip() + "\n"
            at = token.start[1]
        depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
        before = token
    yield line[at:].strip() + "\n"


UNFOLDED = {"sh": _shell, "python": _python, "javascript": _javascript, "php": _php, "ruby": _ruby, "go": _go}
"""By language: the text of a sample from its one line."""
