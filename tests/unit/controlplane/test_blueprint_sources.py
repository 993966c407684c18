"""What tools write beside SQL is recognised, and all problems of a text are reported at once, with their places."""

# ruff: noqa: E501
from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.blueprints.dialects import MYSQL, POSTGRES, Dialect, more_likely_dialect
from controlplane.blueprints.parsed_sql import read
from controlplane.blueprints.positions import LineIndex
from controlplane.blueprints.variables import parse_definitions


def errors(dialect: Dialect, sql: str, **definitions: object) -> list[str]:
    return list(read(dialect, sql, parse_definitions(definitions)).result(()).errors)


def statements(dialect: Dialect, sql: str) -> list[str]:
    return [statement.text for statement in read(dialect, sql, None).statements]


PG_DUMP = """--
-- PostgreSQL database dump
--

\\restrict Token
SELECT 1;
CREATE TABLE public.p (n text);
COPY public.p (n) FROM stdin;
O'Hara; "
\\N
$$
\\.


COPY public.q FROM stdin;
\\.

ALTER TABLE ONLY public.p ADD PRIMARY KEY (n);
\\connect "password=secret"
\\unrestrict Token
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_dump_for_psql_is_named_line_by_line(line_end: str, mark: str) -> None:
    found = errors(POSTGRES, mark + PG_DUMP.replace("\n", line_end))
    places = [re.match(r"line (\d+), column (\d+): (.*)", error).groups() for error in found]
    assert [(int(line), text[:50]) for line, _, text in places] == [
        (5, "a line that begins with a backslash is a psql comm"),
        (8, "COPY public.p FROM STDIN reads rows from the clien"),
        (19, "a line that begins with a backslash is a psql comm"),
        (20, "a line that begins with a backslash is a psql comm"),
    ]
    assert all("pg_dump --inserts" in text and text.endswith("(the same in line 15)") for _, _, text in places[1:2])
    assert "secret" not in str(found)
    assert statements(POSTGRES, PG_DUMP)[-2:] == [
        "CREATE TABLE public.p (n text)",
        "ALTER TABLE ONLY public.p ADD PRIMARY KEY (n)",
    ]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT 1 \\gx\nSELECT 2", ["line 1, column 10: a backslash outside of quotes begins a psql command, not SQL: \\gx"]),
        ("  \\d\nSELECT 1", ["line 1, column 3: a line that begins with a backslash is a psql command, not SQL: \\d"]),
        ("SELECT 1;\n\ufeffSELECT 2", ["line 2, column 1: a byte order mark (U+FEFF) stands here: save the file as UTF-8 without one"]),
        ("PGDMP\x01\x0e", ["line 1, column 1: this is an archive in pg_dump's custom format, not SQL: dump with --format=plain"]),
        ("SELECT 1;\n SELECT 'a''b", ["line 2, column 9: unterminated quote that begins with \"'a''b\""]),
        ("SELECT 1;\r\n/* /* */", ["line 2, column 1: unterminated comment that begins with '/* /* */'"]),
        ("SELECT E'\\n', $$\\d$$, '\\.' -- \\x\n", []),
        ("\ufeffSELECT 1", []),
        ("", ["line 1, column 1: there is no statement in it"]),
    ],
)  # fmt: skip
def test_problems_have_places_in_postgres(sql: str, found: list[str]) -> None:
    assert errors(POSTGRES, sql) == found


def test_all_problems_of_a_text_are_listed_at_once() -> None:
    sql = "COMMIT;\n\\c x\nSELECT 1{{n}}, {{missing}};\n VACUUM;\nSELECT 'open"
    found = errors(POSTGRES, sql, n=1)
    assert [error.partition(":")[0] for error in found] == ["line 2, column 1", "line 5, column 8"], "not to be read on"
    found = errors(POSTGRES, sql.removesuffix("'open"), n=1)
    assert [error.partition(":")[0] for error in found] == [
        "line 1, column 1", "line 2, column 1", "line 3, column 9", "line 3, column 16", "line 4, column 2",
    ]  # fmt: skip


MYSQLDUMP = """/*M!999999\\- enable the sandbox mode */
-- MariaDB dump 10.19
/*!40101 SET NAMES utf8mb4 */;
CREATE TABLE `t` (`a` int);
LOCK TABLES `t` WRITE;
INSERT INTO `t` VALUES (1);
UNLOCK TABLES;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER r '*/' */;;
CREATE PROCEDURE p() BEGIN SELECT 1; END ;;
DELIMITER ;
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_dump_for_the_mysql_program_is_named_line_by_line(line_end: str) -> None:
    found = errors(MYSQL, MYSQLDUMP.replace("\n", line_end))
    assert [error[:46] for error in found] == [
        "line 1, column 1: the line by which mariadb-du",
        "line 3, column 1: a comment that MySQL execute",
        "line 5, column 1: statement 2: LOCK is not all",
        "line 7, column 1: statement 4: UNLOCK is not a",
        "line 8, column 1: DELIMITER is a command of th",
    ]
    assert found[1].endswith("/*!40101 (the same in line 9)")
    assert found[4].endswith("(the same in line 11)")
    assert statements(MYSQL, MYSQLDUMP)[-1] == "CREATE PROCEDURE p() BEGIN SELECT 1; END"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("delimiter $$\nCREATE PROCEDURE p() BEGIN SELECT 1; END$$\nDELIMITER ;\nSELECT 2", 2),
        ("DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END\n//\nSELECT 2//", 2),
        ("SELECT 1\\G\nSELECT 2;", 2),
        ("SOURCE a.sql\nSELECT 2;", 1),
    ],
)
def test_commands_of_the_mysql_program_are_no_statements(sql: str, expected: int) -> None:
    assert errors(MYSQL, sql)
    assert len(statements(MYSQL, sql)) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT \\N",
        "CREATE PROCEDURE p() BEGIN\nsource: LOOP DO 1;\ndelimiter : LOOP DO 1; END LOOP; END LOOP; END",
        "SELECT `delimiter` FROM source",
        "CREATE PROCEDURE p AS a INT;\nsource INT;\nsource\nINT;\ndelimiter INT; BEGIN NULL; END",
        "CREATE PROCEDURE p AS a INT;\ndelimiter VARCHAR2(3);\ndelimiter t%ROWTYPE; BEGIN NULL; END",
        "SELECT '\\G', '/*! */' # \\G\n",
    ],
)
def test_sql_of_mysql_is_no_command(sql: str) -> None:
    assert errors(MYSQL, sql) == []


@pytest.mark.parametrize("dialect", [POSTGRES, MYSQL], ids=["postgres", "mysql"])
@pytest.mark.parametrize(
    ("sql", "column"),
    [
        ("SELECT {{s}}{{s}}", 13), ("SELECT 1{{n}}", 9), ("SELECT {{n}}1", 8), ("SELECT x{{n}}", 9), ("SELECT {{s}}'a'", 8),
        ("SELECT 'a'{{s}}", 11), ("SELECT {{n}}.5", 8), ("SELECT a.{{n}}", 10), ("SELECT {{s}}\n{{s}}", 1), ("SELECT 'a' {{s}}", 12),
        ("SELECT {{s}} /* a */ 'a'", 8), ("SELECT {{i}}x", 8), ("SELECT {{n}}{{i}}", 13),
    ],
)  # fmt: skip
def test_values_never_run_together(dialect: Dialect, sql: str, column: int) -> None:
    given = {"s": "a", "n": 1, "i": {"type": "identifier", "default": "a"}}
    (found,) = errors(dialect, sql, **given)
    assert found.partition(", ")[2].startswith(f"column {column}: variable ")
    assert "runs together" in found


@pytest.mark.parametrize("dialect", [POSTGRES, MYSQL], ids=["postgres", "mysql"])
@pytest.mark.parametrize(
    "sql",
    ["SELECT {{s}},{{s}}", "SELECT {{i}}.{{i}}", "SELECT {{s}} {{i}}", "SELECT 1-{{n}}", "SELECT({{n}})", "SELECT {{n}}+1",
     "SELECT {{n}} AS a", "SELECT /**/{{n}}/**/", "SELECT DATE {{s}}", "SELECT '{{s}}{{s}}'"],
)  # fmt: skip
def test_what_does_not_run_together_is_allowed(dialect: Dialect, sql: str) -> None:
    assert errors(dialect, sql, s="a", n=1, i={"type": "identifier", "default": "a"}) == []


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [("SELECT 1", POSTGRES), ("SELECT `a`", MYSQL), ("CREATE TABLE t (a int) ENGINE=InnoDB", MYSQL),
     ("CREATE TABLE t (a bigserial)", POSTGRES), ("DO $$ BEGIN END $$", POSTGRES)],
)  # fmt: skip
def test_the_likelier_engine(sql: str, dialect: Dialect) -> None:
    assert more_likely_dialect(sql) is dialect


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_rows_of_copy_end_as_psql_reads_them(line_end: str) -> None:
    """At `\\.` with any line end, or where the text ends: a dump that is cut off."""
    whole = "COPY t FROM stdin;\n1\tO'Hara\n\\.\nSET NAMES latin1;\n".replace("\n", line_end)
    copy, refused = errors(POSTGRES, whole)
    assert copy.startswith("line 1, column 1: COPY t FROM STDIN")
    assert refused.startswith("line 4, column 1: statement 1: SET NAMES")
    assert len(errors(POSTGRES, whole.partition("\\.")[0])) == 1


def test_carriage_returns_alone_hide_nothing_in_a_comment_of_mysql() -> None:
    sql = "CREATE TABLE a (i int);\r-- note\rCREATE TABLE b (i int); # end\rGRANT x TO y;\r"
    lines, refused = errors(MYSQL, sql)
    assert lines.startswith("line 2, column 8: this line ends with a carriage return alone")
    assert lines.endswith("(the same in line 3)")
    assert refused.startswith("line 4, column 1: statement 3: GRANT")
    assert errors(POSTGRES, "SELECT 1;\r-- note\rSELECT 2;\r") == []
    assert errors(MYSQL, "SELECT 1; -- note\r\nSELECT 2; # end\r") == []


@pytest.mark.parametrize("before", ["", " \t", "\ufeff", "SELECT 1;\n", "SELECT 1;\r  "])
def test_commands_of_the_mysql_program_begin_their_line(before: str) -> None:
    assert len(errors(MYSQL, before + "source x.sql")) == 1
    assert errors(MYSQL, before + "SELECT 2; source x.sql") == []


def test_a_command_of_both_programs_does_not_tell_the_engine() -> None:
    for sql in ("\\! ls\nSELECT 1;", "\\d //\nSELECT 1//", "\\. a.sql\nSELECT 1;"):
        assert [read(dialect, sql, None).own_at for dialect in (POSTGRES, MYSQL)] == [None, None]
    assert read(POSTGRES, "\\connect x\nSELECT 1;", None).own_at == 0
    body = "CREATE PROCEDURE p() BEGIN SELECT 1; END"
    assert statements(MYSQL, f"\\d //\n{body}//\n\\d ;\nSELECT 2;") == [body, "SELECT 2"]


@pytest.mark.parametrize(
    ("dialect", "piece"),
    [
        (MYSQL, "-- a\r"), (MYSQL, "# a\r"), (MYSQL, "delimiter foo bar;\n"), (MYSQL, "DELIMITER x\n"),
        (MYSQL, "/*!1 a */;\n"), (POSTGRES, "COPY t FROM stdin;\n\\.\n"), (POSTGRES, "\\x\n"),
    ],
)  # fmt: skip
def test_what_is_no_sql_is_found_in_time_in_proportion_to_the_text(dialect: Dialect, piece: str) -> None:
    def seconds(size: int) -> float:
        sql = piece * (size // len(piece))
        began = time.process_time()
        dialect.read(sql)
        return time.process_time() - began

    few, many = (min(seconds(size) for _ in range(3)) for size in (5_000, 80_000))
    assert many / few < 4 * 16  # if it grew with the square, 16 * 16


_PIECES = st.sampled_from(
    [
        "# ",
        "\\x",
        "COPY t FROM stdin",
        ";",
        "\n",
        "\\.",
        "'",
        '"',
        "$$",
        "\ufeff",
        "/*!1 ",
        "*/",
        "DELIMITER ;;",
        "a",
        " ",
        "--",
        "`",
        "\r",
    ]
)


@pytest.mark.parametrize("dialect", [POSTGRES, MYSQL], ids=["postgres", "mysql"])
@given(sql=st.lists(_PIECES, max_size=20).map("".join))
def test_offsets_and_line_ends_stay(dialect: Dialect, sql: str) -> None:
    source = dialect.read(sql)
    assert len(source.sql) in (len(sql), 0)
    assert [at for at, one in enumerate(source.sql) if one in "\n\r"] == [
        at for at, one in enumerate(sql) if one in "\n\r"
    ]
    if not source.problems:
        assert source.sql == sql


def test_lines_are_counted_with_every_line_end() -> None:
    lines = LineIndex("a\nb\r\nc\rd")
    assert [lines.place(at) for at in (0, 2, 3, 5, 7)] == [
        "line 1, column 1", "line 2, column 1", "line 2, column 2", "line 3, column 1", "line 4, column 1",
    ]  # fmt: skip
