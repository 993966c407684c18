"""docs/troubleshooting.md quotes the messages as the source has them, and its table has every error code."""

from __future__ import annotations

import ast
import errno
import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
# Two backticks around what has backticks in it.
_QUOTED = re.compile(r"``(.+?)``|`(.+?)`")
# Where a call that makes an error has its code.
_CODE_AT = {"ApiError": 1, "forbidden": 0}
# Their messages are the engines' own.
ENGINES = ("Pulumi:", "Terraform:", "OpenTofu:", "Terraform and OpenTofu:")


def flattened(node: ast.AST) -> str | None:
    """A string literal with … in place of each value that is formatted into it; None for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in parts)
    return None


def literals(path: Path) -> Iterator[str]:
    """Every string literal of a source file that is no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) not in docstrings and (text := flattened(node)) is not None:
            yield text


@functools.cache
def all_literals() -> frozenset[str]:
    return frozenset(text for path in (ROOT / "provider").rglob("*.py") for text in literals(path))


def quoted_messages(page: str) -> list[str]:
    """What the headings of the page quote of this project's messages."""
    headings = [" ".join(found.split()) for found in re.findall(r"^\*\*(.+?)\*\*", page, re.MULTILINE | re.DOTALL)]
    quoted = [found for each in headings if not each.startswith(ENGINES) for found in _QUOTED.finditer(each)]
    return [found[1] or found[2] for found in quoted]


def missing_parts(message: str) -> list[str]:
    """The parts of a quoted message, between its …, that no literal contains."""
    parts = [part.strip(" .,") for part in message.split("…")]
    return [part for part in parts if part and not any(part in text for text in all_literals())]


def test_every_quoted_message_is_in_the_source() -> None:
    messages = quoted_messages(PAGE)
    assert len(messages) >= 12, "the headings were not found"
    of_the_system = os.strerror(errno.ECONNREFUSED)
    missing = {each: missing_parts(each) for each in messages if each != of_the_system}
    assert not {message: parts for message, parts in missing.items() if parts}


def test_a_message_that_is_changed_is_noticed() -> None:
    (message,) = [each for each in quoted_messages(PAGE) if "acts only when" in each]
    assert missing_parts(message.replace("acts only when", "acts solely when"))
    assert quoted_messages("**``a `b` ``, `c`.** Text.\n\n**Pulumi: `d`.** Text, **`e`**.") == ["a `b` ", "c"]


def codes_of_the_table() -> set[str]:
    rows = re.findall(r"^\| (`.+?) \|", PAGE, re.MULTILINE)
    return {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)}


def codes_of_the_control_plane() -> set[str]:
    """The code of every error that the reference control plane raises. Other vendors' errors have no codes."""
    found = set()
    sources = (ROOT / "provider" / "controlplane").rglob("*.py")
    for path in (path for path in sources if "vendors" not in path.parts):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CODE_AT:
                code = node.args[_CODE_AT[node.func.id]]
                found |= {code.value} if isinstance(code, ast.Constant) else set()
    return found


def test_the_page_has_every_error_code_and_no_other() -> None:
    of_the_table = codes_of_the_table()
    of_the_control_plane = codes_of_the_control_plane()
    assert len(of_the_control_plane) > 25, "the errors were not found"
    assert {code for code in of_the_control_plane if f"`{code}`" not in PAGE} == set()
    assert of_the_table - all_literals() == set()
