"""What reading a blueprint's SQL costs by size, beside PostgreSQL's own parser on the same text, in the same run.

A size's cost per kB beside that of 1 kB shows whether the time grows faster than the text: 1.0x is in proportion. The
smaller of two figures is as good as the larger: below 10 kB a fixed part shows. "read" is all that a validation does
with the text before it asks a server: recognise the file, tokens, statements, refusals, warnings, the variables put in.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import postgast
from report import Report

from controlplane.blueprints.dialects import DIALECTS
from controlplane.blueprints.parsed_sql import read
from controlplane.blueprints.variables import Definition

_LINE = "INSERT INTO orders (id, name, total) VALUES ({n}, 'it''s; row {n}', {n}.5); -- one\n"
_BODY = "CREATE PROCEDURE p{n}() BEGIN IF @a = {n} THEN SELECT CASE WHEN 1 THEN 2 END; ELSE SELECT ';'; END IF; END;\n"
_FUNCTION = "CREATE FUNCTION f{n}() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN {n} END; SELECT 2; END;\n"
_SIZES = (1, 10, 100, 1000)  # kB
_TIMES = 3


def text(kind: str, kilobytes: int) -> str:
    """SQL of that size."""
    line = {"rows": _LINE, "postgres": _FUNCTION, "mysql": _BODY}[kind]
    count = kilobytes * 1000 // len(line.format(n=100)) + 1
    return "".join(line.format(n=number) for number in range(count))


def seconds(work: Callable[[], object], kilobytes: int) -> float:
    """CPU seconds of one call, the median of several; short ones are repeated."""
    repeats = max(1, 20 // kilobytes)

    def once() -> float:
        began = time.process_time()
        for _ in range(repeats):
            work()
        return (time.process_time() - began) / repeats

    return statistics.median(once() for _ in range(_TIMES))


def validated(engine: str, sql: str) -> None:
    """What a validation does before it asks a server, with a variable to put in."""
    variables = {"x": Definition("x", "number")}
    found = read(DIALECTS[engine], f"{sql}SELECT {{{{x}}}};", variables).result(())
    assert not found.errors, found.errors


def main() -> None:
    report = Report("SQL by size", " ".join((__doc__ or "").split()))
    report.table(("what", "size", "CPU ms", "per kB, beside 1 kB", "PostgreSQL's parser", "ratio"))
    for engine, dialect in DIALECTS.items():
        for kind in ("rows", engine):
            per_kb: dict[str, float] = {}
            for size in _SIZES:
                sql = text(kind, size)
                server = seconds(partial(postgast.split, sql), size) if kind != "mysql" else None
                for what, work in (("split", partial(dialect.split, sql)), ("read", partial(validated, engine, sql))):
                    took = seconds(work, size)
                    growth = took / size / per_kb.setdefault(what, took / size)
                    beside = ("", "") if server is None else (f"{server * 1000:.2f} ms", f"{took / server:.1f}x")
                    name = f"{dialect.label}, {'rows' if kind == 'rows' else 'routines'}, {what}"
                    report.cells(name, f"{size} kB", f"{took * 1000:.2f}", f"{growth:.2f}x", *beside)
    report.write()


if __name__ == "__main__":
    main()
