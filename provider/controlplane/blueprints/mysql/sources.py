"""Find what a text for MySQL contains besides SQL: commands of the mysql program and parts of dumps. Pure."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from controlplane.blueprints.lexer import BOM, LexError, Token, TokenKind
from controlplane.blueprints.mysql import lexer
from controlplane.blueprints.positions import Problem
from controlplane.blueprints.sources import SourceReader, SqlSource, header_at

_SUSPECT: Final = re.compile(rf"/\*M?!|\b(?:delimiter|source)\b|\\|\r(?!\n)|(?<!\A){BOM}", re.IGNORECASE)
_HEADER: Final = re.compile(r"(?:\s|/\*M![^\n]*\n|--[^\n]*\n)*?-- (?:MySQL|MariaDB) dump\b")
_EXECUTED: Final = re.compile(r"/\*(M?!)(\d*)(\\-)?")
_COMMAND: Final = re.compile(r"\\\S?")
_DELIMITER: Final = re.compile(r"(?:(?i:delimiter)[ \t]+|\\d[ \t]*)(\S+)")
_ALONE: Final = re.compile(r"^[ \t]*(\S+)[ \t]*\r?$", re.MULTILINE)
# Only a file's path follows on the line. Otherwise `source` is a name in a body (`source INT;`).
_SOURCE: Final = re.compile(r"source[ \t]+[^\s;%()]*[./\\~][^\s;%()]*[ \t]*;?[ \t]*(?:\r?\n|\Z)", re.IGNORECASE)
_DELIMITERS: Final = (
    "{} is a command of the mysql program, not SQL: leave it out and end each statement with a semicolon; bodies"
    " of routines and triggers are recognised as they are"
)
_OTHERS: Final = "{} is a command of the mysql program, not SQL"
# A comment, and then a line end that is only a carriage return. Here and not of a token: to MySQL the comment goes on.
_RETURNED: Final = re.compile(r"(?:#|--(?=[\x00-\x20]|\Z))[^\n\r]*(?=\r(?!\n|\Z))")
_LINE_ENDS: Final = (
    "this line ends with a carriage return alone, which does not end a comment in MySQL: the following lines would"
    " belong to the comment. Save the file with line feeds"
)
_COMMENT: Final = (
    "a comment that MySQL executes is not allowed: write its SQL plainly, or leave it out. It begins with {}"
)
_SANDBOX: Final = "the line by which mariadb-dump limits what the client may do is not SQL: leave it out"


def read(sql: str) -> SqlSource:
    """Return the SQL of a text for MySQL, and the problems of the parts that are not SQL."""
    if not _SUSPECT.search(sql):
        return SqlSource(sql, own_at=header_at(sql, _HEADER))
    return _MysqlReader(sql, own_at=header_at(sql, _HEADER)).source()


class _MysqlReader(SourceReader):
    _delimiter = ";"

    def read(self) -> None:
        begins = True  # whether a statement may begin
        while self.at < len(self.sql):
            if self._delimiter != ";" and self.sql.startswith(self._delimiter, self.at):
                self._pass_delimiter()
                begins = True
                continue
            executed = _EXECUTED.match(self.sql, self.at)
            if executed:
                self._comment(executed)
                continue
            if returned := _RETURNED.match(self.sql, self.at):
                end = returned.end()
                self.drop(end, Problem(end, _LINE_ENDS, "carriage return"))
                continue
            token = lexer.token_at(self.sql, self.at)
            command = self._command_at() if begins and token.kind is TokenKind.WORD else None
            if command and self.stands_first():
                self._command(command)
            elif token.text == "\\" and not self.sql.startswith("N", self.at + 1):  # \N is NULL
                backslash = _COMMAND.match(self.sql, self.at)
                name = backslash[0] if backslash else "\\"
                begins = True
                if name == "\\d" and _DELIMITER.match(self.sql, self.at):
                    self._command(name)
                    continue
                end = self.at + len(name) if name in ("\\G", "\\g") else self.line_end()
                self.drop(end, Problem(self.at, _OTHERS.format(name), name), sends=True)
            else:
                if token.kind not in (TokenKind.SPACE, TokenKind.COMMENT):
                    begins = token.kind is TokenKind.SEMICOLON
                self.copy(self._cut(token))

    def _command_at(self) -> str | None:
        """Return the name of the mysql program's command at the current offset, or None if it is a name in the SQL.

        If the delimiter is a word, DELIMITER is a command only if the word stands alone on a later line.
        """
        if _SOURCE.match(self.sql, self.at):
            return "SOURCE"
        match = _DELIMITER.match(self.sql, self.at)
        if match is None or match[1].startswith((":", ".", "/*", "--", "#")):
            return None
        is_word = re.match(r"\w", match[1]) is not None
        return None if is_word and self._alone.get(match[1], 0) < match.end() else "DELIMITER"

    @cached_property
    def _alone(self) -> dict[str, int]:
        """Return the texts that stand alone on a line, with the offset of the last such line."""
        return {line[1]: line.start(1) for line in _ALONE.finditer(self.sql)}

    def _cut(self, token: Token) -> Token:
        """Return the token up to the current delimiter, which may stand inside of a word: `END$$`."""
        if self._delimiter == ";" or token.kind not in (TokenKind.WORD, TokenKind.OTHER):
            return token
        end = token.text.find(self._delimiter)
        return token._replace(text=token.text[:end]) if end > 0 else token

    def _pass_delimiter(self) -> None:
        self._parts.append(";" + " " * (len(self._delimiter) - 1))
        self.at += len(self._delimiter)

    def _command(self, name: str) -> None:
        """Blank out DELIMITER, its short form, or SOURCE, and the rest of its line."""
        set_to = _DELIMITER.match(self.sql, self.at)
        if set_to:
            self._delimiter = set_to[1]
        text = (_DELIMITERS if set_to else _OTHERS).format(name)
        self.drop(self.line_end(), Problem(self.at, text, name), is_own=name == "DELIMITER")

    def _comment(self, begin: re.Match[str]) -> None:
        """Blank out a comment that the server executes, including nested comments."""
        start = self.at
        at = begin.end()
        depth = 1
        while depth:
            if self.sql.startswith("*/", at):
                depth, at = depth - 1, at + 2
            elif nested := _EXECUTED.match(self.sql, at):
                depth, at = depth + 1, nested.end()
            elif at < len(self.sql):
                at += len(lexer.token_at(self.sql, at).text)
            else:
                raise LexError("unterminated comment", start)
        problem = Problem(
            start, _SANDBOX if begin[3] else _COMMENT.format(begin[0]), "sandbox" if begin[3] else "executed"
        )
        self.drop(at, problem, is_own=bool(begin[2]))
