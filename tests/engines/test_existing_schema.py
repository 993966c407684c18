# ruff: noqa: E501
"""docs/how-to/bring-an-existing-schema.md as it is written: real dumps become blueprints, through both kinds of engines."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from controlplane.engines.postgres.binaries import find_binaries
from support.control_plane import create_database, delete_all
from support.mysql import connect
from support.naming import unique
from support.needs import missing
from support.pulumi import Stack
from support.readme import ROOT, Block, Session, blocks
from support.terraform import Workspace

PAGE = ROOT / "docs" / "how-to" / "bring-an-existing-schema.md"
POSTGRES = """
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE TYPE mood AS ENUM ('good', 'it''s bad');
CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, mood mood);
CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, total numeric(10, 2), changed int DEFAULT 0);
INSERT INTO customers (name, mood) VALUES ('O''Hara', 'good'), (E'a;b\nline \\\\ $$ {{x}}', NULL), ('Ünal', 'it''s bad');
INSERT INTO orders VALUES (1, 1, 9.5, 0);
CREATE VIEW totals AS SELECT customer, sum(total) AS total FROM orders GROUP BY customer;
CREATE FUNCTION count_changes() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.changed := OLD.changed + 1; RETURN NEW; END; $$;
CREATE FUNCTION doubled(n int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN n > 0 THEN 2 * n END; END;
CREATE TRIGGER count_changes BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION count_changes();
CREATE INDEX ON orders (customer);
COMMENT ON TABLE orders IS 'what; they bought';
"""
MYSQL = (
    "CREATE TABLE customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL, note TEXT)",
    "CREATE TABLE aorders (id INT PRIMARY KEY, customer INT NOT NULL, total DECIMAL(10, 2), changed INT DEFAULT 0,"
    " FOREIGN KEY (customer) REFERENCES customers (id))",
    "INSERT INTO customers (name, note) VALUES ('O''Hara', 'a;b\\nline\\\\n'), ('Ünal', NULL), ('/*!40101 x */', '{{x}};;')",
    "INSERT INTO aorders VALUES (1, 1, 9.5, 0)",
    "CREATE VIEW totals AS SELECT customer, SUM(total) AS total FROM aorders GROUP BY customer",
    "CREATE FUNCTION doubled(n INT) RETURNS INT DETERMINISTIC RETURN IF(n > 0, 2 * n, NULL)",
    "CREATE TRIGGER count_changes BEFORE UPDATE ON aorders FOR EACH ROW BEGIN"
    " IF NEW.total <> OLD.total THEN SET NEW.changed = OLD.changed + 1; END IF; END",
    "CREATE TRIGGER check_total BEFORE UPDATE ON aorders FOR EACH ROW FOLLOWS count_changes"
    " IF NEW.total < 0 THEN SET NEW.total = 0; END IF",
    "CREATE PROCEDURE clear_all() BEGIN DELETE FROM aorders; DELETE FROM customers; END",
)


def block(language: str, holding: str) -> Block:
    (found,) = (one for one in blocks(PAGE) if one.language == language and holding in one.text)
    return found


@pytest.fixture(params=["postgres", "mysql"])
def source(request: pytest.FixtureRequest, api: httpx.Client) -> Iterator[dict[str, Any]]:
    """A database with a schema of its own, and the program that dumps it."""
    made = create_database(api, "old", db_type=request.param)
    if request.param == "postgres":
        program = find_binaries().directory / "pg_dump"
        made["program"] = program if program.exists() else None
        with psycopg.connect(made["connection_string"], autocommit=True) as connection:
            connection.execute(POSTGRES)
    else:
        made["program"] = shutil.which("mariadb-dump")
        with connect(made) as connection, connection.cursor() as cursor:
            for statement in MYSQL:
                cursor.execute(statement)
    if made["program"] is None:
        missing("pg_dump" if request.param == "postgres" else "mariadb-dump")
    yield made
    delete_all(api, [made["uuid"]])


def dump(database: dict[str, Any], directory: Path, connection: dict[str, str], *, raw: bool = False) -> str:
    """What the page's own block writes. raw: without its options and filters."""
    env = {
        "SOURCE_URL": database["connection_string"],
        "SOURCE_HOST": database["host"],
        "SOURCE_PORT": str(database["port"]),
        "SOURCE_USER": database["db_username"],
        "SOURCE_NAME": database["db_name"],
        "MYSQL_PWD": database["db_password"],
    }
    directory.mkdir()
    mysql = database["db_type"] == "mysql"
    filters = [one for one in blocks(PAGE) if one.language == "sed"]
    command = block("sh", "mariadb-dump" if mysql else "pg_dump").text
    if raw:
        words = (
            "mariadb-dump -h$SOURCE_HOST -P$SOURCE_PORT -u$SOURCE_USER $SOURCE_NAME"
            if mysql
            else "pg_dump $SOURCE_URL",
        )
        command = f"{words[0]} > schema.sql"
    with Session(directory, {}, **env) as session:
        session.run(f"PATH='{Path(database['program']).parent}':$PATH")
        for one in filters:
            (directory / one.file).write_text(one.text)
        session.run(command)
    return (directory / "schema.sql").read_text(encoding="utf-8")


def rows(database: dict[str, Any]) -> list[Any]:
    """What the database holds and does."""
    if database["db_type"] == "mysql":
        with connect(database) as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE aorders SET total = -1")
            found = []
            for query in (
                "SELECT * FROM customers ORDER BY id",
                "SELECT * FROM aorders",
                "SELECT * FROM totals",
                "SELECT doubled(2)",
            ):
                cursor.execute(query)
                found.append(cursor.fetchall())
            return found
    with psycopg.connect(database["connection_string"]) as connection:
        connection.execute("UPDATE orders SET total = 1")
        queries = (
            "SELECT * FROM customers ORDER BY id",
            "SELECT * FROM orders",
            "SELECT * FROM totals",
            "SELECT doubled(2)",
        )
        return [connection.execute(query).fetchall() for query in queries]


def newest(api: httpx.Client, name: str) -> dict[str, Any]:
    (found,) = (one for one in api.get("/databases", params={"limit": 100}).json()["data"] if one["name"] == name)
    return api.get(f"/databases/{found['uuid']}").json()["data"]


def compare(api: httpx.Client, source: dict[str, Any], name: str, tmp_path: Path, written: str) -> None:
    """The new database dumps as the old one does, and behaves as it does."""
    made = {**newest(api, name), "program": source["program"]}
    assert dump(made, tmp_path / "again", {}) == written
    assert rows(made) == rows(source)


@pytest.mark.parametrize("engine", ["terraform", "tofu"])
def test_a_dump_becomes_a_blueprint_in_terraform(
    engine: str,
    source: dict[str, Any],
    new_workspace: Callable[..., Workspace],
    api: httpx.Client,
    tmp_path: Path,
    connection: dict[str, str],
) -> None:
    written = dump(source, tmp_path / "dump", connection)
    workspace = new_workspace(engine)
    (workspace.directory / "provider.tf").unlink()
    name = unique("shop")
    text = block("hcl", "required_providers").text.replace('"shop"\n', f'"{name}"\n', 1)
    text = text.replace('name    = "shop"', f'name = "{name}"').replace(
        '"postgres" # or "mysql"', f'"{source["db_type"]}"'
    )
    workspace.write(text)
    workspace.write(written, "schema.sql")
    workspace.apply()
    compare(api, source, name, tmp_path, written)
    workspace.destroy()


def test_a_dump_becomes_a_blueprint_in_pulumi(
    source: dict[str, Any], stack: Stack, api: httpx.Client, tmp_path: Path, connection: dict[str, str]
) -> None:
    written = dump(source, tmp_path / "dump", connection)
    program = yaml.safe_load(block("yaml", "fn::readFile").text)
    name = unique("shop")
    program["resources"]["shop"]["properties"] |= {"name": name, "dbType": source["db_type"]}
    (stack.directory / "schema.sql").write_text(written, encoding="utf-8")
    (stack.directory / "Pulumi.yaml").write_text(yaml.safe_dump({**program, "name": "story"}), encoding="utf-8")
    stack.up()
    compare(api, source, name, tmp_path, written)
    stack.destroy()


def test_an_unfiltered_dump_is_refused_in_the_preview_with_all_its_problems(
    source: dict[str, Any],
    stack: Stack,
    new_workspace: Callable[..., Workspace],
    tmp_path: Path,
    connection: dict[str, str],
) -> None:
    written = dump(source, tmp_path / "dump", connection, raw=True)
    expected = (
        ["DELIMITER is a command of the mysql program", "a comment that MySQL executes", "LOCK is not allowed"]
        if source["db_type"] == "mysql"
        else ["COPY public.customers FROM STDIN reads rows", "a psql command, not SQL: \\restrict"]
    )
    if "\\restrict" not in written:
        expected = [text for text in expected if "restrict" not in text]
    stack.write({"schema": ("Blueprint", {"name": "raw", "sqlContent": {"fn::readFile": "./schema.sql"}})})
    (stack.directory / "schema.sql").write_text(written, encoding="utf-8")
    refused = stack.preview(ok=False)
    workspace = new_workspace("terraform")
    workspace.write('resource "polykomos_blueprint" "raw" {\n  name = "raw"\n  sql_content = file("schema.sql")\n}\n')
    workspace.write(written, "schema.sql")
    plan = workspace.plan(ok=False)
    for text in expected:
        line = next(number for number, one in enumerate(written.splitlines(), 1) if _first(text) in one)
        for shown in (refused.diagnostics + refused.output, plan.diagnostics + plan.output):
            flat = " ".join(shown.replace("│", " ").split())
            assert text in flat, flat
            assert f"line {line}, column 1: " in flat


def _first(problem: str) -> str:
    """What the first line with the problem holds."""
    signs = {
        "DELIM": "DELIMITER ;;",
        "a com": "/*!",
        "LOCK ": "LOCK TABLES",
        "COPY ": "COPY public",
        "a psq": "\\restrict",
    }
    return signs[problem[:5]]
