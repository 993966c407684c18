"""Find the end of a body in one pass over its statements, with a stack of open constructs. Pure.

The grammar is MariaDB's.
"""

from __future__ import annotations

from typing import Final

from controlplane.blueprints.mysql.program_headers import is_label, routine_body
from controlplane.blueprints.mysql.token_reader import VALUE, TokenReader

# What may follow the name of a variable; the names of data types first.
_DECLARED: Final = frozenset(
    {"TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "BIGINT", "INT1", "INT2", "INT3", "INT4", "INT8", "FLOAT",
     "FLOAT4", "FLOAT8", "DOUBLE", "REAL", "DECIMAL", "DEC", "NUMERIC", "FIXED", "NUMBER", "BIT", "BOOL", "BOOLEAN",
     "CHAR", "CHARACTER", "VARCHAR", "VARCHAR2", "VARCHARACTER", "NCHAR", "NVARCHAR", "NATIONAL", "BINARY", "VARBINARY",
     "RAW", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "CLOB", "LONG", "TEXT", "TINYTEXT", "MEDIUMTEXT", "LONGTEXT",
     "DATE", "TIME", "DATETIME", "TIMESTAMP", "YEAR", "ENUM", "JSON", "UUID", "INET4", "INET6", "GEOMETRY", "POINT",
     "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION", "ROW", "TYPE",
     "CURSOR", "CONDITION", ","}
)  # fmt: skip
_CONTROL: Final = frozenset({"IF", "CASE", "LOOP", "WHILE", "REPEAT", "FOR"})


class CompoundBodies:
    """Finds the ends of bodies in one text."""

    def __init__(self, words: TokenReader) -> None:
        self._words = words
        # Open constructs: BEGIN, those of _CONTROL, PACKAGE, and SECTION (in Oracle mode, the declarations before a
        # BEGIN).
        self._open: list[str] = []

    def end(self, at: int, opened: str = "") -> int:
        """Return the position of the semicolon that ends a statement with a body.

        `opened` is a construct that is already open at the beginning of the body.
        """
        self._open = [opened] if opened else []
        while at < len(self._words):
            at, is_complete = self._step(at)
            if is_complete:
                at = self._words.semicolon(at)
                if not self._open:
                    return at
                at += 1
        return at

    def _step(self, at: int) -> tuple[int, bool]:
        """Pass the next part of the body, at a position where a statement may begin.

        Returns:
            The position after the part, and whether it was a complete statement, so that its semicolon comes next.
        """
        at = self._label(at)
        word = self._words[at]
        inside = self._open[-1] if self._open else ""
        if word == "END" and inside:
            return self._close(at)
        continued = self._continued(word, at, inside)
        if continued is not None:
            return continued
        if word == "BEGIN":
            if inside in ("SECTION", "PACKAGE"):
                self._open.pop()
            self._open.append("BEGIN")
            return at + (3 if self._words.has(at + 1, "NOT", "ATOMIC") else 1), False
        if word in _CONTROL:
            self._open.append(word)
            return self._condition(word, at + 1), False
        if word == "DECLARE":
            return self._declaration(at)
        if word in ("PROCEDURE", "FUNCTION") and inside in ("PACKAGE", "SECTION"):
            return self._routine(at)
        return at, True

    def _label(self, at: int) -> int:
        """Return the position after a label (`name:`, in Oracle mode `<<name>>`), else `at`."""
        words = self._words
        if words.has(at, "<", "<") and words.has(at + 3, ">", ">"):
            return at + 5
        return at + 2 if is_label(words, at) else at

    def _continued(self, word: str, at: int, inside: str) -> tuple[int, bool] | None:
        """Pass a word that begins the next section of the open construct. Return None for any other word."""
        words = self._words
        if inside == "IF" and word in ("ELSEIF", "ELSIF"):
            return words.expression(at + 1, ("THEN",)) + 1, False
        if word == "WHEN" and inside in ("CASE", "BEGIN"):  # in BEGIN: a handler of Oracle mode
            return words.expression(at + 1, ("THEN",)) + 1, False
        if (word == "ELSE" and inside in ("IF", "CASE")) or (word == "EXCEPTION" and inside == "BEGIN"):
            return at + 1, False
        if word == "UNTIL" and inside == "REPEAT":
            return self._close(words.expression(at + 1, ("END",)))
        return None

    def _close(self, at: int) -> tuple[int, bool]:
        """Pass END, which closes the open construct."""
        self._open.pop()
        return at + 1, True

    def _condition(self, word: str, at: int) -> int:
        """Return the position of the first statement of the construct that `word` begins."""
        words = self._words
        if word == "IF":
            return words.expression(at, ("THEN",)) + 1
        if word == "CASE":
            return at if words[at] == "WHEN" else words.expression(at, ("WHEN",))
        if word == "WHILE":
            return words.expression(at, ("DO", "LOOP")) + 1
        if word == "FOR":
            return words.expression(_after_in(words, at), ("DO", "LOOP")) + 1
        return at

    def _declaration(self, at: int) -> tuple[int, bool]:
        """Pass DECLARE: a handler's up to its statement, any other completely."""
        words = self._words
        if words[at + 1] in ("CONTINUE", "EXIT", "UNDO") and words.has(at + 2, "HANDLER", "FOR"):
            return _handler_body(words, at + 4), False
        if not self._open:  # a block of Oracle mode
            self._open.append("SECTION")
            return at + 1, False
        if words[at + 1] == "BEGIN" and not _declares(words, at + 2):  # the same in an open block
            return at + 1, False
        return at, True

    def _routine(self, at: int) -> tuple[int, bool]:
        """Pass the head of a routine in a package, or a routine's declaration without body."""
        words = self._words
        start = routine_body(words, at + 1, returns=words[at] == "FUNCTION")
        if words[start.at] in (";", ""):
            return start.at, True
        if start.opened:
            self._open.append(start.opened)
        elif words[start.at] == "BEGIN":  # the routine's, not the package's own
            self._open.append("BEGIN")
            return start.at + 1, False
        return start.at, False


def _declares(words: TokenReader, at: int) -> bool:
    """Return whether the word at `at` makes a declaration of the name before it."""
    return words[at] in _DECLARED or words.has(at, "SET", "(")


def _after_in(words: TokenReader, at: int) -> int:
    """Return the position after `name IN [REVERSE]`."""
    at += 2
    return at + 1 if words[at] == "REVERSE" else at


def _handler_body(words: TokenReader, at: int) -> int:
    """Return the position of a handler's statement. `at` is the position of its conditions."""
    while True:
        if words[at] == "SQLSTATE":
            at += 2 if words[at + 1] == VALUE else 3
        elif words.has(at, "NOT", "FOUND"):
            at += 2
        else:
            at += 1
        if words[at] != ",":
            return at
        at += 1
