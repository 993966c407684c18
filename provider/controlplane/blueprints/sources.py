"""Find what a text for PostgreSQL contains besides SQL: commands of psql and parts of dumps. Pure.

These parts are found before the text is read as SQL, and replaced by spaces, so that the rest can be read and all
problems are reported at once. Offsets do not change.
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
# Commands with these names are also the mysql program's: delimiter, source, system, use and others.
_ALSO_MYSQL: Final = frozenset("\\" + name for name in "d.!uqTtWwCspRPrhe")
_COPY: Final = (
    "COPY {} FROM STDIN reads rows from the client's connection, which a blueprint does not have: dump with"
    " `pg_dump --inserts`, or write the rows as INSERT"
)
_MARK: Final = "a byte order mark (U+FEFF) stands here: save the file as UTF-8 without one"
_ARCHIVE: Final = "this is an archive in pg_dump's custom format, not SQL: dump with --format=plain"


@dataclass(frozen=True)
class SqlSource:
    """A text in which everything that is not SQL is replaced by spaces."""

    sql: str
    problems: tuple[Problem, ...] = ()
    own_at: int | None = None  # offset of the first part that only tools of this engine write


def read(sql: str) -> SqlSource:
    """Return the SQL of a text for PostgreSQL, and the problems of the parts that are not SQL."""
    if sql.startswith(_CUSTOM_FORMAT):
        return SqlSource("", (Problem(0, _ARCHIVE),), 0)
    if not _SUSPECT.search(sql):
        return SqlSource(sql, own_at=header_at(sql, _HEADER))
    return _PostgresReader(sql, own_at=header_at(sql, _HEADER)).source()


def header_at(sql: str, header: re.Pattern[str]) -> int | None:
    """Return 0 if the text begins with the header of a dump, else None."""
    return 0 if header.match(sql, 0, 4000) else None


def blank(text: str) -> str:
    """Return the text with all characters except line ends replaced by spaces."""
    return _NOT_LINE_END.sub(" ", text)


@dataclass
class SourceReader:
    """Copies a text piece by piece, blanks out what is not SQL, and records the problems. Shared by both engines."""

    sql: str
    at: int = 0
    problems: list[Problem] = field(default_factory=list)
    own_at: int | None = None
    _parts: list[str] = field(default_factory=list)

    def copy(self, token: Token) -> None:
        """Copy a token of SQL. A byte order mark inside of the text is blanked out and recorded as a problem."""
        text = token.text
        if self.at and BOM in text and token.kind in (TokenKind.WORD, TokenKind.OTHER):
            self.problems.append(Problem(self.at + text.index(BOM), _MARK, "mark"))
            text = text.replace(BOM, " ")
        self._parts.append(text)
        self.at += len(token.text)

    def source(self) -> SqlSource:
        """Read the text and return the result."""
        with contextlib.suppress(LexError):  # it is raised again when the text is read as SQL
            self.read()
        return SqlSource("".join(self._parts) + self.sql[self.at :], tuple(self.problems), self.own_at)

    def read(self) -> None:
        """Read the text to its end. Raise LexError if it cannot be read as SQL."""
        raise NotImplementedError

    def drop(self, end: int, problem: Problem, *, sends: bool = False, is_own: bool = False) -> None:
        """Blank out the text up to `end`, which is not SQL.

        Args:
            end: Offset of the end.
            problem: The problem to record.
            sends: Whether the part ends the statement before it, as a semicolon does.
            is_own: Whether only tools of this engine write the part (see SqlSource.own_at).
        """
        self.problems.append(problem)
        if is_own and self.own_at is None:
            self.own_at = self.at
        dropped = self.sql[self.at : end]
        self._parts.append(";" + blank(dropped[1:]) if sends else blank(dropped))
        self.at = end

    def back_to(self, start: int) -> None:
        """Go back to the offset where a statement began."""
        while self.at > start:
            self.at -= len(self._parts.pop())

    def line_end(self) -> int:
        """Return the offset of the end of the current line."""
        rest = _REST_OF_LINE.match(self.sql, self.at)
        return rest.end() if rest else self.at

    def stands_first(self) -> bool:
        """Return whether only space precedes the current offset in its line."""
        before = self.at
        while before and self.sql[before - 1] in " \t\f\v":
            before -= 1
        return before == 0 or self.sql[before - 1] in f"\n\r{BOM}"


class _PostgresReader(SourceReader):
    def read(self) -> None:
        statement: list[Token] = []  # all tokens of a COPY, the first token of any other statement
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
                self.copy(token)

    def _command(self) -> None:
        """Blank out a psql command and the rest of its line. Its arguments are not shown: one may be a password."""
        command = _COMMAND.match(self.sql, self.at)
        name = command[0] if command else ""
        first = self.stands_first()
        what = "a line that begins with a backslash is" if first else "a backslash outside of quotes begins"
        problem = Problem(self.at, f"{what} a psql command, not SQL: {name}", f"{what} {name}")
        self.drop(self.line_end(), problem, sends=name in _SENDING, is_own=first and name not in _ALSO_MYSQL)

    def _copy(self, start: int, statement: list[Token]) -> None:
        """Blank out COPY … FROM STDIN from `start` to the end of its rows."""
        data = _DATA_END.search(self.sql, self.line_end())
        end = data.end() if data else len(self.sql)  # psql reads rows up to the end of the text then
        names = itertools.takewhile(lambda token: token.text != "(" and token.text.upper() != "FROM", statement[1:])
        self.back_to(start)
        self.drop(end, Problem(start, _COPY.format("".join(token.text for token in names)), "copy"), is_own=True)


def _copies_from_client(statement: list[Token]) -> bool:
    words = [token.text.upper() for token in statement]
    return words[:1] == ["COPY"] and ("FROM", "STDIN") in pairwise(words)
