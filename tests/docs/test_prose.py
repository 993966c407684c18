"""Banned words stay out of the docs, generated ones too, and out of comments, docstrings and messages of the code.

Each of these words hides who does what ("is told", "is held"): write report, receive, request, store, contain instead.

Exceptions: code spans and blocks, link targets, HTML comments, block quotes, and text between double quotes, which
repeats another text. In Python also strings without a space: they are names, not sentences.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BANNED = re.compile(
    r"\b(?:told|heard|held|asked|kept|wanted|borne|outlives?d?|whoever|somebody's|in words|at hand|for ever)\b",
    re.IGNORECASE,
)
CODE = ("provider", "tools", "examples")

_EXCEPTED = re.compile(
    r"^ *(`{3,})[^\n]*\n.*?^ *\1$"  # a code block
    r"|(?<!`)(`+)(?!`).+?(?<!`)\2(?!`)"  # a code span
    r"|<!--.*?-->"
    r"|^ *>[^\n]*"
    r"|(?<=\])\([^)\s]+\)"  # a link's target
    r"|[\"“][^\"“”]*[\"”]",
    re.MULTILINE | re.DOTALL,
)
_LITERAL = re.compile(r"\A(?P<prefix>\w*)(?P<quotes>'''|\"\"\"|'|\")(?P<text>.*)(?P=quotes)\Z", re.DOTALL)
_EXPRESSION = re.compile(r"{[^{}]*}")


def pages() -> list[Path]:
    """Return all pages."""
    examples = (ROOT / "examples").glob("**/README.md")
    own = (page for page in examples if "node_modules" not in page.parts)
    return sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"), *own])


def modules() -> list[Path]:
    """Return the Python files of the provider, the tools and the examples."""
    found = [file for folder in CODE for file in (ROOT / folder).rglob("*.py")]
    return sorted(file for file in found if not {"node_modules", ".venv"} & set(file.parts))


def banned_in(text: str) -> list[str]:
    """Return the banned words of a text, each with the line that it is in."""
    # Line ends stay, so that lines are counted right.
    prose = _EXCEPTED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return [f"{prose.count(chr(10), 0, match.start()) + 1}: {match[0]}" for match in BANNED.finditer(prose)]


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each comment and of each string with a space in it."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
        elif token.type == tokenize.STRING:
            literal = _LITERAL.match(token.string)
            assert literal is not None, token.string
            text = literal["text"]
            if "f" in literal["prefix"].lower():
                text = _EXPRESSION.sub(" ", text)
            if " " in text.strip():
                yield token.start[0], text
        elif tokenize.tok_name[token.type] == "FSTRING_MIDDLE":  # Python 3.12 and later
            yield token.start[0], token.string


def banned_in_python(source: str) -> list[str]:
    """Return the banned words in comments and strings, each with its line."""
    found = []
    for first, text in prose_of(source):
        for each in banned_in(text):
            line, _, word = each.partition(": ")
            found.append(f"{first + int(line) - 1}: {word}")
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_are_written_without_banned_words(page: Path) -> None:
    assert banned_in(page.read_text(encoding="utf-8")) == []


def test_code_is_written_without_banned_words() -> None:
    found = {str(path.relative_to(ROOT)): banned_in_python(path.read_text(encoding="utf-8")) for path in modules()}
    assert len(found) > 400
    assert {name: words for name, words in found.items() if words} == {}


def test_banned_words_are_found_on_their_line() -> None:
    page = "An object is Kept.\n\n```text\nkept\n```\n`told` and ``a ` told`` [asked](kept.md) asked\n> held\nfor ever"
    assert banned_in(page) == ["1: Kept", "6: asked", "6: asked", "8: for ever"]
    assert banned_in('The message "is told" is a quotation; `told\nhere` is code; the household is none.') == []


def test_banned_words_are_found_in_comments_and_strings_only() -> None:
    source = '''
def held(kept):  # is asked
    """Return it.

    Held in memory; `kept` is code.
    """
    return f"the {kept} was told", {"kept": held}
'''
    assert banned_in_python(source) == ["2: asked", "5: Held", "7: told"]
