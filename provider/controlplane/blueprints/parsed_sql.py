"""Parse the SQL of a blueprint by the rules of one engine, and find the problems that its text shows. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from controlplane.blueprints.adjacency import find_adjacent
from controlplane.blueprints.dialects import Dialect
from controlplane.blueprints.lexer import LexError, Token, TokenKind
from controlplane.blueprints.positions import LineIndex, Problem
from controlplane.blueprints.splitter import Statement
from controlplane.blueprints.statement_policy import warnings_of
from controlplane.blueprints.validation_result import ValidationResult
from controlplane.blueprints.variables import UNDEFINED, Definition, VariableError, render, sample_values, types_of

_NUMBERED: Final = re.compile(r"statement (\d+)\b")
# MariaDB counts lines from the beginning of the statement.
_AT_LINE: Final = re.compile(r" at line (\d+)$")
# PostgreSQL counts characters from the beginning of the statement, from 1.
_AT_CHARACTER: Final = re.compile(r" at character (\d+)$")
_MOST: Final = 100  # errors that are listed
# Spaces, marks and quotes that word processors and web pages write. To the engines they are letters.
_ODD: Final = re.compile("[\u00a0\u00ad\u2000-\u200f\u2018-\u201f\u2028-\u202f\u2060\u3000]")


@dataclass(frozen=True)
class ParsedSql:
    """The statements and problems of a text by the rules of one engine."""

    sql: str
    problems: tuple[Problem, ...]
    own_at: int | None  # see sources.SqlSource
    statements: tuple[Statement, ...] = ()
    variables: tuple[str, ...] = ()
    runnable: list[Statement] = field(default_factory=list)  # for the dry run, with values for the variables
    numbers: tuple[int, ...] = ()  # of the runnable statements in the text, from 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return warnings about statements that are allowed but destroy data."""
        numbered = enumerate(self.statements, 1)
        return tuple(f"statement {number}: {text}" for number, one in numbered for text in warnings_of(one))

    def result(self, warnings: Sequence[str], problems: Sequence[Problem] = ()) -> ValidationResult:
        """Return the validation result with these warnings and problems in addition to those of the text."""
        errors = LineIndex(self.sql).shown([*self.problems, *problems])
        if len(errors) > _MOST:
            errors = [*errors[:_MOST], f"and {len(errors) - _MOST} more problems"]
        return ValidationResult(tuple(errors), (*self.warnings, *warnings), self.statements, self.variables)

    def with_findings(self, errors: Sequence[str], warnings: Sequence[str]) -> ValidationResult:
        """Return the validation result after a dry run, whose messages number the statements of `runnable`."""
        return self.result([self._renumbered(text) for text in warnings], [self._placed(text) for text in errors])

    def _renumbered(self, text: str) -> str:
        return _NUMBERED.sub(lambda match: f"statement {self.numbers[int(match[1]) - 1]}", text, count=1)

    def _placed(self, text: str) -> Problem:
        match = _NUMBERED.match(text)
        if match is None:
            return Problem(0, text)
        runnable = self.runnable[int(match[1]) - 1]
        statement = self.statements[self.numbers[int(match[1]) - 1] - 1]
        text, hint = self._renumbered(text), _odd_character(statement)
        character = _AT_CHARACTER.search(text)
        if character is not None:
            is_same = runnable.text == statement.text  # False if variables were replaced
            at = statement.start + int(character[1]) - 1 if is_same else statement.first
            return Problem(at, text[: character.start()] + hint)
        line = _AT_LINE.search(text)
        if line is None:
            return Problem(statement.first, text + hint)
        return Problem(_line_start(statement, int(line[1])), text[: line.start()] + hint)


def _odd_character(statement: Statement) -> str:
    """Return a hint that names the first character outside of quotes that looks like a space or a quote."""
    for token in statement.tokens:
        odd = _ODD.search(token.text) if token.kind in (TokenKind.WORD, TokenKind.OTHER) else None
        if odd:
            name = unicodedata.name(odd[0], "")
            return f" (it contains U+{ord(odd[0]):04X} {name}, which SQL takes for a letter: type it anew)"
    return ""


def _line_start(statement: Statement, line: int) -> int:
    """Return the offset of the first character other than space in a line of the statement, counted from 1."""
    lines = statement.text.split("\n")
    content = lines[line - 1] if line <= len(lines) else ""
    before = sum(len(one) + 1 for one in lines[: line - 1])
    return max(statement.first, statement.start + before + len(content) - len(content.lstrip()))


def read(dialect: Dialect, sql: str, definitions: Mapping[str, Definition] | None) -> ParsedSql:
    """Parse a text. Without definitions, each variable is a string."""
    source = dialect.read(sql)
    try:
        every = list(dialect.tokens(source.sql))
    except LexError as error:
        return ParsedSql(sql, (*source.problems, Problem(error.at, str(error))), source.own_at)
    names = tuple(dict.fromkeys(token.name for token in every if token.kind is TokenKind.VARIABLE))
    known = {name: Definition(name) for name in names} if definitions is None else definitions
    variable_problems = [*_undefined(every, known), *_adjacent(every, known)] if names else []
    statements = dialect.statements(every)
    statement_problems = refusals(dialect, statements)
    problems = [*source.problems, *variable_problems, *statement_problems]
    rendered = statements
    can_run = not variable_problems
    if names and can_run:
        try:
            rendered = dialect.split(render(source.sql, known, sample_values(known), dialect.tokens, dialect.literals))
        except VariableError as error:
            problems.append(Problem(0, str(error)))
            can_run = False
    if not statements and not problems:
        problems = [Problem(0, "there is no statement in it")]
    rejected = {problem.at for problem in statement_problems}
    numbers = [number for number, one in enumerate(statements, 1) if can_run and one.first not in rejected]
    return ParsedSql(
        sql,
        tuple(problems),
        source.own_at,
        tuple(statements),
        names,
        [rendered[number - 1] for number in numbers],
        tuple(numbers),
    )


def refusals(dialect: Dialect, statements: Sequence[Statement]) -> list[Problem]:
    """Return the problems of statements that the engine's rules do not allow in a blueprint."""
    return [
        Problem(statement.first, f"statement {number}: {reason}")
        for number, statement in enumerate(statements, 1)
        if (reason := dialect.forbidden_reason(statement))
    ]


def _undefined(every: Sequence[Token], known: Mapping[str, Definition]) -> Iterator[Problem]:
    offset = 0
    for token in every:
        if token.name and token.name not in known:
            yield Problem(offset, str(VariableError(token.name, UNDEFINED)), f"undefined {token.name}")
        offset += len(token.text)


def _adjacent(every: Sequence[Token], known: Mapping[str, Definition]) -> Iterator[Problem]:
    for variable in find_adjacent(every, types_of(known)):
        yield Problem(variable.at, str(VariableError(variable.name, variable.reason)))
