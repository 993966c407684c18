"""Recognise what a text for PostgreSQL holds beside SQL: what psql and pg_dump write for themselves. Pure.

It is found before the text is read as SQL, and blanked out, so that the rest can be read and all problems of a text are
reported at once. Offsets stay what they were.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from controlplane.blueprints import lexer
from controlplane.blueprints.lexer import BOM, LexError, Token, TokenKind
from controlplane.blueprints.positions import Problem

_SUSPECT: Final = re.compile(rf"\\|\bstdin\b|(?<!\A){BOM}", re.IGNORECASE)
_HEADER: Final = re.compile(r"(?:\s|--[^\n]*\n)*?-- PostgreSQL database (?:cluster )?dump\b")
_CUSTOM_FORMAT: Final = "PGDMP"
_COMMAND: Final = re.compile(r"\\(?:[^\s\\]*|\\)")
_REST_OF_LINE: Final = re.compile(r"[^\n\r]*")
_DATA_END: Final = re.compile(r"(?<=[\n\r])\\\.[ \t]*(?=[\n\r]|\Z)")
_NOT_LINE_END: Final = re.compile(r"[^\n\r]")
# psql's commands that send the statement before them.
_SENDING: Final = (r"\g", r"\gx", r"\gset", r"\gexec", r"\gdesc", r"\crosstabview", r"\watch", r"\bind", r"\;")
_COPY: Final = (
    "COPY {} FROM STDIN reads rows from the client's connection, which a blueprint does not have: dump with"
    " `pg_dump --inserts`, or write the rows as INSERT"
)
_MARK: Final = "a byte order mark (U+FEFF) stands here: save the file as UTF-8 without one"
_ARCHIVE: Final = "this is an archive in pg_dump's custom format, not SQL: dump with --format=plain"


@dataclass(frozen=True)
class SqlSource:
    """A text with what is no SQL blanked out. own_at: where what only tools of this engine write begins."""

    sql: str
    problems: tuple[Problem, ...] = ()
    own_at: int | None = None


def read(sql: str) -> SqlSource:
    """Return the text for PostgreSQL without what is no SQL, and what that was."""
    if sql.startswith(_CUSTOM_FORMAT):
        return SqlSource("", (Problem(0, _ARCHIVE),), 0)
    if not _SUSPECT.search(sql):
        return SqlSource(sql, own_at=header_at(sql, _HEADER))
    return _PostgresReader(sql, own_at=header_at(sql, _HEADER)).source()


def header_at(sql: str, header: re.Pattern[str]) -> int | None:
    """Return 0 where the text begins as a dump does, else None."""
    return 0 if header.match(sql, 0, 4000) else None


def blank(text: str) -> str:
    """Return spaces in place of the text, and its line ends."""
    return _NOT_LINE_END.sub(" ", text)


@dataclass
class SourceReader:
    """Copies a text piece by piece, blanks out what is no SQL, and notes it. Shared by both engines."""

    sql: str
    at: int = 0
    problems: list[Problem] = field(default_factory=list)
    own_at: int | None = None
    _parts: list[str] = field(default_factory=list)

    def keep(self, token: Token) -> None:
        """Pass a token of SQL. A byte order mark inside of the text is blanked out and noted."""
        text = token.text
        if self.at and BOM in text and token.kind in (TokenKind.WORD, TokenKind.OTHER):
            self.problems.append(Problem(self.at + text.index(BOM), _MARK, "mark"))
            text = text.replace(BOM, " ")
        self._parts.append(text)
        self.at += len(token.text)

    def source(self) -> SqlSource:
        """Return what was read."""
        with contextlib.suppress(LexError):  # found again when the text is read as SQL
            self.read()
        return SqlSource("".join(self._parts) + self.sql[self.at :], tuple(self.problems), self.own_at)

    def read(self) -> None:
        """Read the text to its end, or raise LexError where it cannot be read as SQL."""
        raise NotImplementedError

    def drop(self, end: int, problem: Problem, *, sends: bool = False, is_own: bool = False) -> None:
        """Pass what is no SQL up to `end`. sends: it ends the statement before it. is_own: see Source."""
        self.problems.append(problem)
        if is_own and self.own_at is None:
            self.own_at = self.at
        dropped = self.sql[self.at : end]
        self._parts.append(";" + blank(dropped[1:]) if sends else blank(dropped))
        self.at = end

    def back_to(self, start: int) -> None:
        """Go back to where a statement began."""
        while self.at > start:
            self.at -= len(self._parts.pop())

    def line_end(self) -> int:
        """Return where the line ends that is being read."""
        found = _REST_OF_LINE.match(self.sql, self.at)
        return found.end() if found else self.at

    def stands_first(self) -> bool:
        """Return whether nothing but space stands before it in the line."""
        before = self.at
        while before and self.sql[before - 1] in " \t\f\v":
            before -= 1
        return before == 0 or self.sql[before - 1] in f"\n\r{BOM}"


class _PostgresReader(SourceReader):
    def read(self) -> None:
        statement: list[Token] = []  # of a COPY: all its tokens; of any other: the first
        start = 0
        while self.at < len(self.sql):
            token = lexer.token_at(self.sql, self.at)
            if token.text == "\\":
                self._command()
                statement = []
            elif token.kind is TokenKind.SEMICOLON and _copies_from_client(statement):
                self._copy(start, statement)
                statement = []
            else:
                if token.kind is TokenKind.SEMICOLON:
                    statement = []
                elif token.kind not in (TokenKind.SPACE, TokenKind.COMMENT):
                    start = start if statement else self.at
                    if not statement or statement[0].text.upper() == "COPY":
                        statement.append(token)
                self.keep(token)

    def _command(self) -> None:
        """Pass a command of psql up to the end of its line. Its arguments are not shown: they may hold a password."""
        found = _COMMAND.match(self.sql, self.at)
        name = found[0] if found else ""
        first = self.stands_first()
        what = "a line that begins with a backslash is" if first else "a backslash outside of quotes begins"
        problem = Problem(self.at, f"{what} a psql command, not SQL: {name}", f"{what} {name}")
        self.drop(self.line_end(), problem, sends=name in _SENDING, is_own=first)

    def _copy(self, start: int, statement: list[Token]) -> None:
        """Pass COPY … FROM STDIN from `start` to the end of its rows."""
        data = _DATA_END.search(self.sql, self.line_end())
        end = data.end() if data else len(self.sql)  # as psql reads it: rows up to the end
        names = itertools.takewhile(lambda token: token.text != "(" and token.text.upper() != "FROM", statement[1:])
        self.back_to(start)
        self.drop(end, Problem(start, _COPY.format("".join(token.text for token in names)), "copy"), is_own=True)


def _copies_from_client(statement: list[Token]) -> bool:
    words = [token.text.upper() for token in statement]
    return words[:1] == ["COPY"] and ("FROM", "STDIN") in pairwise(words)
