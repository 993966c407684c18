"""Find the beginning of the body of a stored program or compound statement, by MariaDB's grammar. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from controlplane.blueprints.mysql.token_reader import VALUE, TokenReader

# Words that begin a compound statement outside of any stored program.
COMPOUND: Final = frozenset({"IF", "CASE", "LOOP", "REPEAT", "WHILE", "FOR", "DECLARE", "<"})
_ROUTINES: Final = ("PROCEDURE", "FUNCTION")
_CREATED: Final = frozenset({*_ROUTINES, "TRIGGER", "EVENT", "PACKAGE", "AGGREGATE", "VIEW", "SQL"})
# Words that may follow the name of a data type. None of them begins a statement.
_TYPE_WORDS: Final = frozenset(
    {"PRECISION", "VARYING", "VARCHAR", "VARBINARY", "CHAR", "CHARACTER", "TEXT", "UNSIGNED", "SIGNED", "ZEROFILL",
     "BINARY", "ASCII", "UNICODE", "BYTE", "OF", "TYPE", "ROWTYPE", "%", "RAW", "INT", "MEDIUMINT"}
)  # fmt: skip
_CHARACTERISTICS: Final = (
    ("LANGUAGE", "SQL"),
    ("NOT", "DETERMINISTIC"),
    ("DETERMINISTIC",),
    ("CONTAINS", "SQL"),
    ("NO", "SQL"),
    ("READS", "SQL", "DATA"),
    ("MODIFIES", "SQL", "DATA"),
    ("SQL", "SECURITY", "DEFINER"),
    ("SQL", "SECURITY", "INVOKER"),
    ("COMMENT", VALUE),
)
# Words that cannot be labels.
_RESERVED: Final = frozenset({"RETURN", "BEGIN", "END", "DECLARE", "SET", "SELECT", *COMPOUND})


class ProgramBody(NamedTuple):
    """The beginning of a body."""

    at: int
    opened: str = ""  # the construct of `compound_bodies.py` that is already open there, "" for none


def body_start(words: TokenReader, at: int) -> ProgramBody | None:
    """Return the beginning of the body of the statement at `at`, or None if it has no body."""
    while words.has(at, "SET", "STATEMENT"):
        at = words.expression(at + 2, ("FOR",)) + 1
    word = words[at]
    if word == "CREATE":
        return _created(words, at + 1)
    if word == "ALTER":
        at = _modifiers(words, at + 1)
        return _event(words, at + 1) if words[at] == "EVENT" else None
    if word == "BEGIN":
        # BEGIN alone begins a transaction. In Oracle mode a block does not need NOT ATOMIC.
        return None if words[at + 1] in (";", "", "WORK") else ProgramBody(at)
    return ProgramBody(at) if word in COMPOUND else None


def routine_body(words: TokenReader, at: int, *, returns: bool) -> ProgramBody:
    """Return the beginning of a routine's body. `at` is the position of its name; with `returns`, it is a function."""
    at = words.parentheses(words.qualified_name(at))
    if returns and words[at] in ("RETURNS", "RETURN"):
        at = _type(words, at + 1)
    while (length := _characteristic(words, at)) and not is_label(words, at):
        at += length
    if words[at] in ("AS", "IS"):  # Oracle mode
        return ProgramBody(at + 1, "SECTION")
    return ProgramBody(at)


def is_label(words: TokenReader, at: int) -> bool:
    """Return whether a label stands at `at`."""
    return words[at + 1] == ":" and words[at] not in _RESERVED


def _created(words: TokenReader, at: int) -> ProgramBody | None:
    at = _modifiers(words, at)
    kind = words[at]
    if kind in _ROUTINES:
        return routine_body(words, _after_exists(words, at + 1), returns=kind == "FUNCTION")
    if kind == "TRIGGER":
        return ProgramBody(_trigger(words, _after_exists(words, at + 1)))
    if kind == "EVENT":
        return _event(words, _after_exists(words, at + 1))
    return _package(words, at + 1) if kind == "PACKAGE" else None


def _modifiers(words: TokenReader, at: int) -> int:
    """Return the position after OR REPLACE, DEFINER = … and AGGREGATE, where the kind of object stands."""
    if words.has(at, "OR", "REPLACE"):
        at += 2
    if words.has(at, "DEFINER", "="):
        at += 3
        if words[at] == "@":
            at += 1
            if words[at] not in _CREATED:  # otherwise the host is empty
                at = words.qualified_name(at)
        at = words.parentheses(at)
    return at + 1 if words[at] == "AGGREGATE" else at


def _after_exists(words: TokenReader, at: int) -> int:
    return at + 3 if words.has(at, "IF", "NOT", "EXISTS") else at


def _type(words: TokenReader, at: int) -> int:
    """Return the position after the data type at `at`."""
    at = words.parentheses(words.qualified_name(at))
    while True:
        if words.has(at, "CHARACTER", "SET"):
            at += 3
        elif words[at] in ("CHARSET", "COLLATE"):
            at += 2
        elif words[at] == "OF":
            at = words.qualified_name(at + 1)
        elif words[at] in _TYPE_WORDS and not is_label(words, at):
            at = words.parentheses(at + 1)
        else:
            return at


def _characteristic(words: TokenReader, at: int) -> int:
    """Return the number of words of the routine's characteristic at `at`, or 0 if there is none."""
    return next((len(one) for one in _CHARACTERISTICS if words.has(at, *one)), 0)


def _trigger(words: TokenReader, at: int) -> int:
    at = words.qualified_name(at)
    while words[at] not in ("ON", ";", ""):
        at += 1
    at = words.qualified_name(at + 1)
    if words.has(at, "FOR", "EACH", "ROW"):
        at += 3
    if words[at] in ("FOLLOWS", "PRECEDES") and not is_label(words, at):
        at = words.qualified_name(at + 1)
    return at


def _event(words: TokenReader, at: int) -> ProgramBody | None:
    at = words.expression(words.qualified_name(at) - 1, ("DO",))
    return ProgramBody(at + 1) if words[at] == "DO" else None


def _package(words: TokenReader, at: int) -> ProgramBody:
    at = at + 1 if words[at] == "BODY" else at
    at = words.qualified_name(_after_exists(words, at))
    while length := _characteristic(words, at):
        at += length
    return ProgramBody(at + 1 if words[at] in ("AS", "IS") else at, "PACKAGE")
