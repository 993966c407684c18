"""Text into words, and a place in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      "(?P<double>[^"]*)" | \u201c(?P<curly>[^\u201d]*)\u201d
    | \u2018(?P<single_curly>[^\u2019]*)\u2019 | `(?P<tick>[^`]*)`
    | (?<!\w)'(?P<single>(?:[^']|''|'(?=\w))*)'(?!\w)
    | (?P<op>>=|<=|!=|<>|=|>|<)
    | (?P<number>[-+]?[$€£]?\d+(?:,\d{3})*(?:\.\d+)?%?(?=[\s,;?!)]|\.(?:\s|$)|$))
    | (?P<comma>,(?=\s|$)|[,:](?=\s))
    | (?P<word>[^\s,;?!()\[\]{}"\u201c\u201d`<>=]+)
    | (?P<other>\S)
    """,
    re.VERBOSE,
)
_QUOTES: Final = ("double", "curly", "single_curly", "tick", "single")
_SILENT: Final = "?!"


@dataclass(frozen=True)
class Word:
    """A word, a number, a quoted text or a sign, as it was written (a quoted text without its quotes)."""

    text: str
    quoted: bool = False

    @cached_property
    def lower(self) -> str:
        """For comparing with words that mean something; a quoted text means none of them."""
        return "" if self.quoted else self.text.lower()

    @cached_property
    def number(self) -> Decimal | None:
        """Its value, where it is a number: `1,250.50`, `$100`, `#42`."""
        if self.quoted:
            return None
        text = re.sub(r"\A([-+]?)[$€£#]", r"\1", self.text)
        text = re.sub(r",(?=\d{3}(?:,|\.|\Z))", "", text).removesuffix("%")
        return Decimal(text) if re.fullmatch(r"[-+]?[0-9]{1,40}(\.[0-9]{1,40})?", text) else None


def words_of(text: str) -> list[Word]:
    """All words in order; question marks, and a full stop at a word's end, say nothing."""
    found: list[Word] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind in _QUOTES:
            found.append(Word(match[kind].replace("''", "'") if kind == "single" else match[kind], quoted=True))
        elif kind == "comma":
            found.append(Word(","))
        elif match[0] not in _SILENT:
            word = match[0].rstrip(".:") if kind == "word" else match[0]
            if word:
                found.append(Word(word))
    return found


class Place:
    """A position in words, moved by what is recognised there."""

    def __init__(self, words: Sequence[Word], at: int = 0) -> None:
        self.words = tuple(words)
        self.at = at

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.words)

    @property
    def left(self) -> tuple[Word, ...]:
        """What is still to be recognised."""
        return self.words[self.at :]

    def peek(self, ahead: int = 0) -> Word:
        """The word there; an empty one behind the end."""
        index = self.at + ahead
        return self.words[index] if index < len(self.words) else Word("")

    def next(self) -> Word:
        """The word there, and move on."""
        word = self.peek()
        self.at += 1
        return word

    def sees(self, *phrases: str) -> bool:
        """Whether one of the phrases comes next."""
        return any(self._matches(phrase.split()) for phrase in phrases)

    def take(self, *phrases: str) -> str | None:
        """The longest of the phrases that comes next, and move behind it."""
        for phrase in sorted(phrases, key=lambda each: -len(each.split())):
            parts = phrase.split()
            if self._matches(parts):
                self.at += len(parts)
                return phrase
        return None

    def skip(self, *phrases: str) -> None:
        """Move over any of them, however often they come."""
        while self.take(*phrases):
            pass

    def _matches(self, parts: Sequence[str]) -> bool:
        return all(self.peek(index).lower == part for index, part in enumerate(parts))
