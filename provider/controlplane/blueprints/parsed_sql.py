"""Read the SQL of a blueprint as one engine does: all that its text alone shows to be wrong. Pure."""

from __future__ import annotations

import re
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
# MariaDB counts lines from where the statement begins.
_AT_LINE: Final = re.compile(r" at line (\d+)$")
# PostgreSQL counts characters from there, from 1.
_AT_CHARACTER: Final = re.compile(r" at character (\d+)$")
_MOST: Final = 100  # errors that are listed


@dataclass(frozen=True)
class ParsedSql:
    """What a text holds for an engine.

    `rehearsed`: statements that may be tried out, `numbers`: their numbers in the text, from 1. `own_at`: see
    `sources.Source`.
    """

    sql: str
    problems: tuple[Problem, ...]
    own_at: int | None
    statements: tuple[Statement, ...] = ()
    variables: tuple[str, ...] = ()
    rehearsed: list[Statement] = field(default_factory=list)
    numbers: tuple[int, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but destroys data."""
        numbered = enumerate(self.statements, 1)
        return tuple(f"statement {number}: {text}" for number, one in numbered for text in warnings_of(one))

    def verdict(self, warnings: Sequence[str], problems: Sequence[Problem] = ()) -> ValidationResult:
        """Return the verdict when these problems and warnings were found beside those of the text."""
        errors = LineIndex(self.sql).shown([*self.problems, *problems])
        if len(errors) > _MOST:
            errors = [*errors[:_MOST], f"and {len(errors) - _MOST} more problems"]
        return ValidationResult(tuple(errors), (*self.warnings, *warnings), self.statements, self.variables)

    def with_findings(self, errors: Sequence[str], warnings: Sequence[str]) -> ValidationResult:
        """Return the verdict after a rehearsal, whose messages name statements by their place in `rehearsed`."""
        return self.verdict([self._renumbered(text) for text in warnings], [self._placed(text) for text in errors])

    def _renumbered(self, text: str) -> str:
        return _NUMBERED.sub(lambda found: f"statement {self.numbers[int(found[1]) - 1]}", text, count=1)

    def _placed(self, text: str) -> Problem:
        found = _NUMBERED.match(text)
        if found is None:
            return Problem(0, text)
        rehearsed = self.rehearsed[int(found[1]) - 1]
        statement = self.statements[self.numbers[int(found[1]) - 1] - 1]
        text = self._renumbered(text)
        character = _AT_CHARACTER.search(text)
        if character is not None:
            is_same = rehearsed.text == statement.text  # not so where variables were put in
            at = statement.start + int(character[1]) - 1 if is_same else statement.first
            return Problem(at, text[: character.start()])
        line = _AT_LINE.search(text)
        if line is None:
            return Problem(statement.first, text)
        return Problem(_line_start(statement, int(line[1])), text[: line.start()])


def _line_start(statement: Statement, line: int) -> int:
    """Return the offset where the text begins in a line of the statement, counted from 1."""
    lines = statement.text.split("\n")
    begins = lines[line - 1] if line <= len(lines) else ""
    before = sum(len(one) + 1 for one in lines[: line - 1])
    return max(statement.first, statement.start + before + len(begins) - len(begins.lstrip()))


def read(dialect: Dialect, sql: str, definitions: Mapping[str, Definition] | None) -> ParsedSql:
    """Return what the text holds for the engine. Definitions None: every variable stands for a string."""
    source = dialect.read(sql)
    try:
        every = list(dialect.tokens(source.sql))
    except LexError as error:
        return ParsedSql(sql, (*source.problems, Problem(error.at, str(error))), source.own_at)
    names = tuple(dict.fromkeys(token.name for token in every if token.kind is TokenKind.VARIABLE))
    known = {name: Definition(name) for name in names} if definitions is None else definitions
    of_variables = [*_undefined(every, known), *_run_together(every, known)] if names else []
    written = dialect.statements(every)
    of_statements = refusals(dialect, written)
    problems = [*source.problems, *of_variables, *of_statements]
    rendered = written
    can_be_run = not of_variables
    if names and can_be_run:
        try:
            rendered = dialect.split(render(source.sql, known, sample_values(known), dialect.tokens, dialect.literals))
        except VariableError as error:
            problems.append(Problem(0, str(error)))
            can_be_run = False
    if not written and not problems:
        problems = [Problem(0, "there is no statement in it")]
    refused = {problem.at for problem in of_statements}
    numbers = [number for number, one in enumerate(written, 1) if can_be_run and one.first not in refused]
    return ParsedSql(
        sql,
        tuple(problems),
        source.own_at,
        tuple(written),
        names,
        [rendered[number - 1] for number in numbers],
        tuple(numbers),
    )


def refusals(dialect: Dialect, statements: Sequence[Statement]) -> list[Problem]:
    """Return why statements must not stand in a blueprint for the engine."""
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


def _run_together(every: Sequence[Token], known: Mapping[str, Definition]) -> Iterator[Problem]:
    for found in find_adjacent(every, types_of(known)):
        yield Problem(found.at, str(VariableError(found.name, found.reason)))
