"""What a tenant's SQL sets for its session reaches nothing of ours: limits hold, text is stored as it was written, and
an application ends, whatever it set.
"""

from __future__ import annotations

import re
import subprocess
import time
from typing import Any

import httpx
import psycopg
import pytest

from support import mysql, server_admin
from support.control_plane import ControlPlane, create_database, new_key, wait_until
from support.operations import error_of
from unit.controlplane.test_blueprint_settings import PG_DUMP_HEAD

TEXT = "é 漢 😀 \\ '"
QUOTED = TEXT.replace("'", "''")
# It catches the time-out of its statement, as any function may.
STUBBORN = (
    "LOOP BEGIN PERFORM pg_catalog.pg_sleep(1000); EXCEPTION WHEN query_canceled THEN"
    " PERFORM pg_catalog.set_config('statement_timeout', '0', false); END; END LOOP;"
)


def validate(api: httpx.Client, sql: str) -> dict[str, Any]:
    reply = api.post("/blueprint_validations", json={"sql_content": sql})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["data"]
    return found


def save(api: httpx.Client, sql: str) -> str:
    reply = api.post("/blueprints", json={"name": "settings", "sql_content": sql}, headers=new_key())
    assert reply.status_code == 201, reply.text
    return str(reply.json()["data"]["uuid"])


def apply(api: httpx.Client, database: dict[str, Any], sql: str) -> dict[str, Any]:
    path = f"/databases/{database['uuid']}/blueprint_applications"
    reply = api.post(path, json={"blueprint_uuid": save(api, sql), "timeout": 120}, headers=new_key())
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["data"]
    return found


def rows(database: dict[str, Any], sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database["connection_string"], autocommit=True) as conn:
        cursor = conn.execute(sql)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "win1252"])
@pytest.mark.parametrize("form", ["SET client_encoding = '{}'", "SET NAMES '{}'"])
def test_another_encoding_is_refused_with_the_reason(api: httpx.Client, encoding: str, form: str) -> None:
    sql = f"{form.format(encoding)}; CREATE TABLE IF NOT EXISTS t (i int);"
    error = validate(api, sql)["errors"][0]
    assert "statement 1" in error
    assert "UTF-8" in error
    reply = api.post("/blueprints", json={"name": "x", "sql_content": sql}, headers=new_key())
    assert "UTF-8" in error_of(reply, 422, "invalid_sql")["errors"][0]


@pytest.mark.parametrize(
    "change",
    [
        "SELECT set_config('client_encoding', 'SQL_ASCII', false)",
        "SELECT pg_catalog.set_config('client_encoding', 'LATIN1', false)",
        "DO $$ BEGIN SET client_encoding = 'LATIN1'; END $$",
        "DO $$ BEGIN EXECUTE 'SET SESSION client_encoding TO ''SJIS'''; END $$",
        "SELECT set_config('standard_conforming_strings', 'off', false)",
        "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$",
        "DO $$ BEGIN EXECUTE 'SET SESSION idle_in_transaction_session_timeout = 1'; END $$",
    ],
)
def test_text_is_stored_as_it_was_written(api: httpx.Client, change: str) -> None:
    sql = f"CREATE TABLE words (n text); {change}; INSERT INTO words VALUES ('{QUOTED}'); {change};"
    assert validate(api, sql)["errors"] == []
    database = create_database(api, "words")
    found = apply(api, database, sql)
    assert (found["status"], found["statements_succeeded"]) == ("completed", 4), found
    assert rows(database, "SELECT n FROM words") == [(TEXT,)]


def test_the_defaults_of_the_tenants_role_do_not_matter(api: httpx.Client) -> None:
    database = create_database(api, "defaults")
    defaults = {
        "client_encoding": "SQL_ASCII", "search_path": "public, pg_catalog", "statement_timeout": "1",
        "standard_conforming_strings": "off", "idle_in_transaction_session_timeout": "1", "lock_timeout": "1",
        "default_transaction_isolation": "serializable", "client_min_messages": "debug5",
    }  # fmt: skip
    # In one session: they count from the next one on.
    rows(database, "; ".join(f"ALTER ROLE CURRENT_USER SET {name} = {value}" for name, value in defaults.items()))
    found = apply(api, database, f"CREATE TABLE words (n text); INSERT INTO words VALUES ('{QUOTED}')")
    assert found["status"] == "completed", found
    ours: dict[str, Any] = {"client_encoding": "UTF8", "options": "-c statement_timeout=0", "autocommit": True}
    with psycopg.connect(database["connection_string"], **ours) as conn:
        assert conn.execute("SELECT n FROM words").fetchall() == [(TEXT,)]
    body = {"database_uuid": database["uuid"], "query": "SELECT n FROM words"}
    assert api.post("/query_executions", json=body).json()["result"]["rows"] == [{"n": TEXT}]


def test_functions_of_the_tenants_own_do_not_lift_the_limits(api: httpx.Client, control_plane: ControlPlane) -> None:
    """B10: what we call is qualified, so the tenant's function of that name is not called."""
    database = create_database(api, "shadows")
    sql = """
    CREATE FUNCTION public.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT $2';
    CREATE FUNCTION public.pg_current_xact_id() RETURNS xid8 LANGUAGE sql AS $$SELECT '3'::xid8$$;
    SELECT pg_catalog.set_config('search_path', 'public, pg_catalog', false);
    SELECT pg_catalog.set_config('statement_timeout', '0', false);
    CREATE TABLE seen AS SELECT current_setting('statement_timeout') AS statement_ms,
      current_setting('lock_timeout') AS lock_ms;
    """
    found = apply(api, database, sql)
    assert found["status"] == "completed", found
    assert rows(database, "SELECT * FROM public.seen") == [("10min", "10s")]
    with server_admin.connect(control_plane) as conn:
        taken = conn.execute("SELECT xid::text FROM blueprint_applications WHERE id = %s", (found["id"],)).fetchone()
    assert taken not in (None, ("3",))


def test_a_lower_limit_of_the_blueprints_own_holds(api: httpx.Client) -> None:
    sql = "SET lock_timeout = '1s'; SET statement_timeout = '150ms'; SELECT pg_sleep(30); SELECT 1"
    error = " ".join(validate(api, sql)["errors"])
    assert "statement 3: canceling statement due to statement timeout" in error


def test_the_superusers_sessions_call_nothing_of_the_tenants(api: httpx.Client, control_plane: ControlPlane) -> None:
    """Where our administrator works in a tenant's database, a function or an operator there would run as superuser."""
    database = create_database(api, "trap")
    role = database["db_username"]
    trap = f"BEGIN EXECUTE 'ALTER ROLE {role} SUPERUSER'; RETURN {{}}; EXCEPTION WHEN OTHERS THEN RETURN {{}}; END"
    with psycopg.connect(database["connection_string"], autocommit=True) as conn:
        for arguments, result in (("int, smallint", "true"), ("int, int", "true"), ("int, bigint", "true")):
            body = trap.format(result, result)
            function = f"public.pg_terminate_backend({arguments}) RETURNS boolean LANGUAGE plpgsql"
            conn.execute(f"CREATE FUNCTION {function} AS $${body}$$")
        conn.execute("CREATE TABLE t (id int)")
        conn.execute("INSERT INTO t SELECT generate_series(1, 300000)")
    quota = f"/databases/{database['uuid']}/quotas"
    api.patch(quota, json={"storage_hard_limit_gb": 0.001}, headers=new_key()).raise_for_status()

    def stopped() -> bool:
        with psycopg.connect(database["connection_string"], autocommit=True) as conn:
            try:
                conn.execute("INSERT INTO t VALUES (1)")
            except psycopg.errors.DiskFull:
                return True
            return False

    wait_until(stopped, seconds=60)
    with server_admin.connect(control_plane) as conn:
        assert conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", (role,)).fetchone() == (False,)


def test_the_head_of_every_dump_passes(api: httpx.Client) -> None:
    """B12, and it does not outlast the application: each has a session of its own."""
    sql = PG_DUMP_HEAD.replace("SET default_with_oids = false;", "") + "CREATE TABLE public.t (i int);"
    verdict = validate(api, sql)
    assert (verdict["errors"], verdict["warnings"]) == ([], [])
    database = create_database(api, "dump")
    assert apply(api, database, sql)["status"] == "completed"
    assert apply(api, database, "CREATE TABLE seen AS SELECT current_setting('search_path') AS path")["status"] == (
        "completed"
    )
    assert rows(database, "SELECT path FROM seen") == [('"$user", public',)]


def test_a_dump_of_this_machines_pg_dump(api: httpx.Client) -> None:
    source, target = create_database(api, "source"), create_database(api, "target")
    rows(source, f"CREATE TABLE t (i serial PRIMARY KEY, n text); INSERT INTO t (n) VALUES ('{QUOTED}')")
    command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", "--dbname", source["connection_string"]]
    dump = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    # Lines of psql's are another matter (docs/how-to).
    sql = "\n".join(line for line in dump.splitlines() if not line.startswith("\\"))
    assert validate(api, sql)["errors"] == []
    assert apply(api, target, sql)["status"] == "completed"
    assert rows(target, "SELECT n FROM public.t") == [(TEXT,)]


def test_many_lines_are_validated_in_time(api: httpx.Client) -> None:
    """B11. Not timed here: past 15 seconds it is refused."""
    sql = "CREATE TABLE t (i int, n text);\n" + "".join(f"INSERT INTO t VALUES ({n}, 'n{n}');\n" for n in range(5_000))
    verdict = validate(api, sql)
    assert (verdict["valid"], verdict["statement_count"], verdict["errors"]) == (True, 5_001, [])


def test_each_of_many_errors_is_named(api: httpx.Client) -> None:
    lines = ["CREATE TABLE t (i int)"]
    for number in range(2, 402):
        lines.append("INSERT INTO t VALUES ('x')" if number % 100 == 0 else f"INSERT INTO t VALUES ({number})")
    lines.append("SELECT count(*) / (count(*) - 396) FROM t")  # what was right is there, what was wrong is not
    errors = validate(api, ";\n".join(lines))["errors"]
    found = [int(n) for error in errors for n in re.findall(r"statement (\d+): invalid input syntax", error)]
    assert found == [100, 200, 300, 400]
    assert "division by zero" in errors[-1]


def test_time_that_is_over_is_not_the_sqls_fault(api: httpx.Client) -> None:
    began = time.monotonic()
    sql = "SELECT 1; SELECT pg_sleep(600); SELECT 2"
    error = error_of(
        api.post("/blueprints", json={"name": "x", "sql_content": sql}, headers=new_key()), 503, "validation_timeout"
    )
    assert (error["statements_done"], error["statements_total"]) == (1, 3)
    error_of(api.post("/blueprint_validations", json={"sql_content": sql}), 503, "validation_timeout")
    assert time.monotonic() - began < 120


def test_a_statement_that_catches_its_time_out_is_ended(api: httpx.Client) -> None:
    error_of(
        api.post("/blueprint_validations", json={"sql_content": f"DO $$ BEGIN {STUBBORN} END $$"}),
        503,
        "validation_timeout",
    )
    assert validate(api, "SELECT 1")["valid"]


def test_a_query_that_catches_its_time_out_is_ended(api: httpx.Client) -> None:
    database = create_database(api, "stubborn")
    rows(
        database,
        f"CREATE FUNCTION stubborn() RETURNS int LANGUAGE plpgsql AS $$ BEGIN {STUBBORN} RETURN 1; END $$",
    )
    body = {"database_uuid": database["uuid"], "query": "SELECT stubborn()"}
    reply = api.post("/query_executions", json=body)
    assert "took longer than 30 seconds" in reply.json()["error"]["message"], reply.text


def test_a_query_that_would_end_its_idle_session_is_carried_out(api: httpx.Client) -> None:
    database = create_database(api, "idle")
    rows(
        database,
        "CREATE TABLE t (n int); CREATE FUNCTION one() RETURNS int LANGUAGE sql AS $$"
        " SELECT count(set_config('idle_in_transaction_session_timeout', '1', false))::int $$",
    )
    for returning, affected in (("", 1), (" RETURNING n, repeat('x', 1000)", 1), (" RETURNING one()", 1)):
        body = {"database_uuid": database["uuid"], "query": f"INSERT INTO t VALUES (one()){returning}"}
        reply = api.post("/query_executions", json=body)
        assert reply.json()["result"]["affectedRows"] == affected, reply.text
    assert rows(database, "SELECT count(*) FROM t") == [(3,)]


def test_a_query_that_changes_the_encoding_of_its_answer(api: httpx.Client) -> None:
    database = create_database(api, "answer")
    rows(
        database,
        "CREATE FUNCTION other() RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM set_config('client_encoding', 'SQL_ASCII', false); RETURN 'é'; END $$",
    )
    reply = api.post("/query_executions", json={"database_uuid": database["uuid"], "query": "SELECT other()"})
    error_of(reply, 500, "query_execution_failed")
    assert "client_encoding" in reply.json()["error"]["message"]


# MySQL.


@pytest.fixture(scope="module")
def mariadb(control_plane: ControlPlane) -> dict[str, Any]:
    with control_plane.client() as client:
        return create_database(client, "mysql-settings", db_type="mysql")


@pytest.mark.parametrize(
    "sql",
    [
        "SET NAMES latin1; CREATE TABLE a (`n` text)",
        "SET character_set_client = latin1; CREATE TABLE a (`n` text)",
        "SET sql_mode = 'NO_BACKSLASH_ESCAPES'; CREATE TABLE a (`n` text)",
        "SET @m = 'ANSI_QUOTES'; SET sql_mode = @m; CREATE TABLE a (`n` text)",
    ],
)
def test_what_changes_the_text_is_refused_in_mysql(api: httpx.Client, mariadb: dict[str, Any], sql: str) -> None:
    verdict = validate(api, sql)
    assert not verdict["valid"]
    assert any(word in " ".join(verdict["errors"]) for word in ("UTF-8", "sql_mode")), verdict


@pytest.mark.parametrize(
    "change",
    [
        "SET NAMES utf8", "SET NAMES utf8mb4 COLLATE utf8mb4_bin", "SET @c = 'latin1'; SET character_set_client = @c",
        "SET @c = 'latin1_bin'; SET collation_connection = @c", "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
    ],
)  # fmt: skip
def test_text_is_stored_as_it_was_written_in_mysql(api: httpx.Client, mariadb: dict[str, Any], change: str) -> None:
    written = TEXT.replace("\\", "\\\\").replace("'", "\\'")
    sql = (
        f"CREATE OR REPLACE TABLE `words` (n text CHARACTER SET utf8mb4) ENGINE=InnoDB; {change};"
        f" INSERT INTO words VALUES ('{written}')"
    )
    found = apply(api, mariadb, sql)
    assert found["status"] == "completed", found
    assert mysql.once(mariadb, "SELECT hex(n) FROM words") == [(TEXT.encode().hex().upper(),)]


def test_what_a_procedure_sets_reaches_nothing_of_ours(api: httpx.Client, mariadb: dict[str, Any]) -> None:
    for value in ("utf16", "NULL", "latin1"):
        sql = f"""
        CREATE OR REPLACE TABLE `kept` (n text CHARACTER SET utf8mb4) ENGINE=InnoDB;
        CREATE OR REPLACE PROCEDURE change_all() BEGIN
          SET SESSION character_set_results = {value}; SET SESSION sql_select_limit = 0;
          SET SESSION max_error_count = 0; SET SESSION max_statement_time = 0; SET SESSION wait_timeout = 1;
          SET SESSION completion_type = 'RELEASE'; SET SESSION idle_transaction_timeout = 1; END;
        CALL change_all();
        SELECT 'é', 1;
        INSERT INTO kept VALUES ('é');
        CREATE OR REPLACE TABLE `limits` AS SELECT @@max_statement_time AS seconds
        """
        found = apply(api, mariadb, sql)
        assert (found["status"], found["statements_failed"]) == ("completed", 0), found
        assert mysql.once(mariadb, "SELECT n FROM kept") == [("é",)]
        assert mysql.once(mariadb, "SELECT seconds = 600 FROM limits") == [(1,)]


def test_an_answer_that_cannot_be_read_is_an_error_of_the_statement(api: httpx.Client, mariadb: dict[str, Any]) -> None:
    sql = "CREATE OR REPLACE PROCEDURE odd() BEGIN SET SESSION character_set_results = utf16; SELECT 1; END; CALL odd()"
    reply = api.post("/blueprint_validations", json={"sql_content": sql}).json()["data"]
    assert not reply["valid"]
    assert "character set of results" in " ".join((*reply["errors"], *reply["warnings"]))


def test_many_lines_are_validated_in_time_in_mysql(api: httpx.Client, mariadb: dict[str, Any]) -> None:
    sql = "CREATE TABLE `t` (i int, n text);\n" + "".join(f"INSERT INTO t VALUES ({n}, 'n');\n" for n in range(1_000))
    assert validate(api, sql)["errors"] == []


def test_a_procedure_that_catches_its_time_out_is_ended(api: httpx.Client, mariadb: dict[str, Any]) -> None:
    sql = """CREATE PROCEDURE `stubborn`() BEGIN
      DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
      DECLARE CONTINUE HANDLER FOR 1969 BEGIN END;
      WHILE 1 DO SET @a = sleep(1); END WHILE; END; CALL stubborn()"""
    error_of(api.post("/blueprint_validations", json={"sql_content": sql}), 503, "validation_timeout")
    assert validate(api, "CREATE TABLE `a` (i int)")["valid"]
