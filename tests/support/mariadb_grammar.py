"""Random statements of MariaDB's SQL that hold semicolons: routines, triggers, events, compound statements.

`<name>` in an alternative is expanded; at depth 0 the first alternative of a rule is taken, so every rule ends.
Not all of them are valid: the server is asked.
"""

# ruff: noqa: E501
from __future__ import annotations

import random
import re

_WORDS = (
    "x end begin do row follows precedes event function package body comment language contains data security at every "
    "starts ends preserve enable close open handler escape exception type value date time start commit rollback "
    "schedule of if_ case_ 1end 1e5x `;` `a``b` é declare_ elsif until_ prior next new_ old_ ascii charset found "
    "source delimiter continue_ atomic no_ work name_ names immediate"
)
RULES: dict[str, tuple[str, ...]] = {
    "id": tuple(_WORDS.split()),
    "number": ("1", "2.5", ".5", "1e5", "1.e3", "0x1f", "0b1"),
    "string": ("'a'", "';'", "'it''s;'", "'\\';'", '"end;"', "'END'", "N'x'", "_utf8mb4'x'", "x'41'"),
    "operand": (
        "<number>", "<string>", "@<id>", "<id>", "<id>.<id>", "NULL", "(<expr>)", "(SELECT <expr> FROM t <id>)",
        "(SELECT <expr> AS <id> FROM t WHERE <expr>)", "IF(<expr>, <expr>, <expr>)", "REPEAT(<expr>, 2)", "f(<expr>)",
        "CASE WHEN <expr> THEN <expr> END", "CASE <expr> WHEN <expr> THEN <expr> ELSE <expr> END", "- <operand>",
        "NOT <operand>", "EXISTS (SELECT 1)", "DATE '2020-01-01'", "INTERVAL(1, 2)", "CAST(<expr> AS CHAR)",
        "VALUE(a)", "COALESCE(<expr>, <expr>)", "@@sql_mode", "BINARY <operand>", "REPLACE(<expr>, 'a', 'b')",
    ),
    "expr": (
        "<operand>", "<operand>", "<operand> + <operand>", "<operand> AND <operand>", "<operand> OR NOT <operand>",
        "<operand> IS NULL", "<operand> IS NOT NULL", "<operand> IN (<expr>, <expr>)", "<operand> DIV <operand>",
        "<operand> BETWEEN <operand> AND <operand>", "<operand> LIKE <operand> ESCAPE '!'", "<operand> XOR <operand>",
        "<operand> COLLATE utf8mb4_bin", "<operand> + INTERVAL 1 DAY", "<operand> REGEXP <operand>", "<operand><=<operand>",
        "<operand> SOUNDS LIKE <operand>", "<operand> || <operand>", "<operand>-<operand>", "<operand> >> <operand>",
    ),
    "plain": (
        "SELECT 1", "SELECT <expr> AS <id> FROM t", "SELECT <expr> <id>", "SET @a = <expr>", "SET @<id> := <expr>",
        "INSERT INTO t (a) VALUES (<expr>)", "UPDATE t SET a = <expr> WHERE <expr>", "DELETE FROM t WHERE <expr>",
        "DROP TABLE IF EXISTS <id>", "CREATE TABLE IF NOT EXISTS <id> (a INT, <id> INT)", "DO <expr>", "TRUNCATE t",
        "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = <expr>", "REPLACE INTO t SET a = <expr>", "COMMIT",
        "CREATE OR REPLACE VIEW v AS SELECT <expr> AS <id>", "PREPARE s FROM 'SELECT 1; SELECT 2'", "CALL p(<expr>)",
        "EXECUTE IMMEDIATE 'BEGIN NOT ATOMIC SELECT 1; END'", "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a;b'",
        "ALTER TABLE t ADD COLUMN <id> INT COMMENT ';'", "SELECT <expr> FROM t FOR UPDATE", "LEAVE <id>", "RETURN <expr>",
        "WITH <id> AS (SELECT 1) SELECT * FROM <id>", "SELECT 1 INTO @<id>", "ANALYZE TABLE t", "START TRANSACTION",
        "CREATE TEMPORARY TABLE x1 SELECT <expr>", "DROP TRIGGER IF EXISTS <id>", "CREATE INDEX <id> ON t (a)",
    ),
    "label": ("", "", "<id>: "),
    "stmts": ("<stmt>; ", "<stmt>; ", "<stmt>; <stmts>"),
    "else": ("", "ELSE <stmts>"),
    "elseif": ("", "ELSEIF <expr> THEN <stmts>"),
    "whens": ("WHEN <expr> THEN <stmts>", "WHEN <expr> THEN <stmts><whens>"),
    "condition": ("NOT FOUND", "SQLEXCEPTION", "SQLWARNING", "SQLSTATE '02000'", "SQLSTATE VALUE '02000'", "1051"),
    "declare": (
        "", "DECLARE <id> INT DEFAULT <expr>; ", "DECLARE <id>, <id> VARCHAR(10); ", "DECLARE <id> ROW (a INT, b INT); ",
        "DECLARE <id> CONDITION FOR SQLSTATE '45000'; ", "DECLARE <id> CURSOR FOR SELECT <expr>; ",
        "DECLARE <id> CURSOR (x INT) FOR SELECT x; ",
        "DECLARE EXIT HANDLER FOR <condition>, <condition> <stmt>; ",
        "DECLARE CONTINUE HANDLER FOR <condition> <stmt>; ", "<declare><declare>",
    ),
    "stmt": (
        "<plain>", "<plain>", "<block>", "<control>", "<label>BEGIN <declare><stmts>END", "<named>",
    ),
    "block": ("BEGIN END", "BEGIN <declare><stmts>END", "BEGIN NOT ATOMIC <declare><stmts>END"),
    "named": ("x: LOOP <stmts>END LOOP x", "x: BEGIN <stmts>END x", "`end`: REPEAT <stmts>UNTIL <expr> END REPEAT `end`"),
    "control": (
        "IF <expr> THEN <stmts>END IF", "IF <expr> THEN <stmts><elseif><else>END IF", "IF(<expr>) THEN <stmts><else>END IF",
        "CASE <whens><else>END CASE", "CASE <expr> <whens><else>END CASE", "LOOP <stmts>END LOOP",
        "WHILE <expr> DO <stmts>END WHILE", "REPEAT <stmts>UNTIL <expr> END REPEAT",
        "FOR <id> IN <operand>..<operand> DO <stmts>END FOR", "FOR <id> IN REVERSE 1..<operand> DO <stmts>END FOR",
        "FOR <id> IN (SELECT <expr> AS a FROM t) DO <stmts>END FOR",
    ),
    "replace": ("", "", "OR REPLACE "),
    "definer": ("", "", "DEFINER=CURRENT_USER ", "DEFINER=CURRENT_USER() ", "DEFINER=`a;b`@`%` ", "DEFINER=<id>@localhost "),
    "exists": ("", "", "IF NOT EXISTS "),
    "params": ("", "a INT", "IN a INT, OUT <id> VARCHAR(10), INOUT c DECIMAL(1,0)"),
    "args": ("", "a INT", "a INT, <id> ENUM('a;b')"),
    "type": (
        "INT", "VARCHAR(10)", "CHAR(3) CHARACTER SET utf8mb4", "DECIMAL(10,2) UNSIGNED ZEROFILL", "ENUM('a', ';')",
        "TEXT CHARSET utf8mb4 COLLATE utf8mb4_bin", "DOUBLE PRECISION", "NATIONAL VARCHAR(3)", "INT(11) UNSIGNED",
        "LONG VARCHAR", "CHAR BYTE", "UUID", "VARCHAR(3) BINARY", "BIT(3)", "DATETIME(6)", "TEXT", "VARCHAR(3) ASCII",
    ),
    "traits": (
        "", " DETERMINISTIC", " NOT DETERMINISTIC", " NO SQL", " READS SQL DATA", " MODIFIES SQL DATA", " CONTAINS SQL",
        " SQL SECURITY INVOKER", " COMMENT 'a;b'", " LANGUAGE SQL", "<traits><traits>",
    ),
    "order": ("", " FOLLOWS <id>", " PRECEDES <id>"),
    "schedule": (
        "EVERY 1 DAY", "AT CURRENT_TIMESTAMP + INTERVAL 1 HOUR", "EVERY <number> HOUR STARTS '2030-01-01' ENDS <string>",
        "AT <string>", "EVERY (<expr>) MINUTE",
    ),
    "options": ("", " ON COMPLETION NOT PRESERVE", " ON COMPLETION PRESERVE DISABLE", " ENABLE", " COMMENT ';'"),
    "create": (
        "CREATE <replace><definer>PROCEDURE <exists><id>(<params>)<traits> <stmt>",
        "CREATE <replace><definer>FUNCTION <exists>f1(<args>) RETURNS <type><traits> RETURN <expr>",
        "CREATE <replace><definer>FUNCTION d.<id>(<args>) RETURNS <type><traits> BEGIN <declare><stmts>RETURN 1; END",
        "CREATE FUNCTION f1(<args>) RETURNS <type><traits> <named>",
        "CREATE <replace><definer>TRIGGER <exists><id> BEFORE INSERT ON <id> FOR EACH ROW<order> <stmt>",
        "CREATE TRIGGER d.tr AFTER UPDATE ON d.t FOR EACH ROW<order> <control>",
        "CREATE <replace><definer>EVENT <exists><id> ON SCHEDULE <schedule><options> DO <stmt>",
        "ALTER <definer>EVENT <id> ON SCHEDULE <schedule><options> DO <stmt>", "ALTER EVENT <id> RENAME TO <id> DO <stmt>",
        "CREATE AGGREGATE FUNCTION f1(x INT) RETURNS INT BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN 1;"
        " LOOP FETCH GROUP NEXT ROW; END LOOP; END", "CREATE FUNCTION f1 RETURNS STRING SONAME 'a;b.so'",
        "CREATE TABLE <id> (<id> INT, <id> TEXT DEFAULT ';')", "ALTER EVENT e ENABLE",
    ),
    "top": (
        "<create>", "<create>", "<control>", "BEGIN NOT ATOMIC <declare><stmts>END", "<plain>", "BEGIN", "BEGIN WORK",
        "SET STATEMENT max_statement_time = 1 FOR <top>", "SET STATEMENT sql_mode = ';', sort_buffer_size = 1 FOR <top>",
    ),
    # sql_mode = ORACLE
    "o_decl": ("", "<id> INT; ", "CURSOR c1 IS SELECT <expr> FROM t; ", "<id> t%ROWTYPE; ", "<id> VARCHAR2(10) := 'a;b'; "),
    "o_handler": ("", "EXCEPTION WHEN OTHERS THEN <o_stmts>", "EXCEPTION WHEN NO_DATA_FOUND THEN <o_stmts>"),
    "o_block": ("BEGIN <o_stmts><o_handler>END", "DECLARE <o_decl><o_decl>BEGIN <o_stmts><o_handler>END"),
    "o_stmts": ("<o_stmt>; ", "<o_stmt>; <o_stmts>"),
    "o_stmt": (
        "SELECT 1", "NULL", "x := <expr>", "<plain>", "<o_block>", "IF <expr> THEN <o_stmts>ELSIF <expr> THEN <o_stmts>END IF",
        "CASE <expr> WHEN 1 THEN <o_stmts>ELSE <o_stmts>END CASE", "FOR i IN 1..3 LOOP <o_stmts>END LOOP",
        "WHILE <expr> LOOP <o_stmts>END LOOP", "<<lb>> LOOP <o_stmts>EXIT WHEN <expr>; END LOOP", "GOTO lb",
        "FOR r IN (SELECT 1 FROM t) LOOP <o_stmts>END LOOP", "<<lb>> BEGIN <o_stmts>END",
    ),
    "as": ("AS", "IS"),
    "o_sub": (
        "PROCEDURE p1 <as> <o_decl>BEGIN <o_stmts>END; ",
        "FUNCTION f1(a INT) RETURN INT <as> BEGIN <o_stmts>RETURN 1; END f1; ",
    ),
    "o_spec": ("PROCEDURE p1; ", "FUNCTION f1(a INT) RETURN INT; "),
    "o_top": (
        "CREATE <replace>PROCEDURE p0 <as> <o_decl>BEGIN <o_stmts><o_handler>END",
        "CREATE <replace>FUNCTION f0(a INT) RETURN VARCHAR2(3) <as> <o_decl>BEGIN <o_stmts>RETURN 1; END f0",
        "CREATE <replace>PACKAGE pk <as> <o_spec><o_spec>END", "CREATE <replace>PACKAGE pk <as> <o_spec>END pk",
        "CREATE <replace>PACKAGE BODY pk <as> <o_decl><o_sub><o_sub>END",
        "CREATE <replace>PACKAGE BODY pk <as> <o_sub>BEGIN <o_stmts>END", "<o_block>",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW <o_block>", "<plain>", "<create>",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN :NEW.a := <expr>; IF :NEW.a = 1 THEN NULL; END IF; END",
    ),
}  # fmt: skip
_RULE = re.compile(r"(?<!<)<([a-z_]+)>(?!>)")
_SPACES = (" ", " ", " ", " ", "\n", "\t", " /* ; */ ", " -- ;\n", " # ;\n", "/**/", " /* a /* b */ ")


def statement(choose: random.Random, rule: str, depth: int = 7) -> str:
    """Return a statement that the rule makes, with comments between its words."""
    text = _expand(choose, rule, depth)
    return "".join(
        choose.choice(_SPACES) if piece == " " and choose.random() < 0.1 else piece for piece in _pieces(text)
    )


def mutated(choose: random.Random, text: str) -> str:
    """Return the text with a word of it left out, doubled or exchanged."""
    words = _pieces(text)
    at = choose.randrange(len(words))
    others = (";", "END", "BEGIN", "IF", "CASE", "DO", "THEN", words[choose.randrange(len(words))])
    words[at : at + 1] = choose.choice(([], [words[at], words[at]], [choose.choice(others)]))
    return "".join(words)


def _expand(choose: random.Random, rule: str, depth: int) -> str:
    alternatives = RULES[rule]
    chosen = alternatives[0] if depth <= 0 and rule != "id" else choose.choice(alternatives)
    return _RULE.sub(lambda found: _expand(choose, found[1], depth - 1), chosen)


def _pieces(text: str) -> list[str]:
    """Words, strings and single characters; a space inside of quotes is none of them."""
    return re.findall(r"'(?:[^'\\]|\\.|'')*'|\"[^\"]*\"|`(?:[^`]|``)*`|\w+|.", text, re.DOTALL)
