"""What a tenant meets on the server itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from support.control_plane import create_database, delete_all, new_key


@pytest.fixture
def database(api: httpx.Client) -> Iterator[dict[str, Any]]:
    made = create_database(api, "tenant-a", plan="launch")
    yield made
    delete_all(api, [made["uuid"]])


@pytest.fixture
def neighbour(api: httpx.Client) -> Iterator[dict[str, Any]]:
    made = create_database(api, "tenant-b")
    yield made
    delete_all(api, [made["uuid"]])


def connect(database: dict[str, Any], **changes: Any) -> psycopg.Connection[Any]:
    facts = {
        "host": database["host"],
        "port": database["port"],
        "dbname": database["db_name"],
        "user": database["db_username"],
        "password": database["db_password"],
    }
    return psycopg.connect(**{**facts, **changes}, autocommit=True, connect_timeout=10)


def test_the_connection_string_opens_the_named_database(database: dict[str, Any]) -> None:
    with psycopg.connect(database["connection_string"]) as conn:
        row = conn.execute("SELECT current_database(), current_user, inet_server_port()").fetchone()
    assert row == (database["db_name"], database["db_username"], database["port"])


def test_the_tenant_owns_public_and_may_make_schemas_and_trusted_extensions(database: dict[str, Any]) -> None:
    with connect(database) as conn:
        conn.execute("CREATE TABLE t (i int)")
        conn.execute("CREATE SCHEMA other")
        conn.execute("CREATE EXTENSION hstore")
        conn.execute("DROP SCHEMA public CASCADE")


def test_a_wrong_password_is_refused(database: dict[str, Any]) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(database, password=database["db_password"][::-1])


@pytest.mark.parametrize(
    "foreign", ["postgres", "template1", "polykomos_control", "polykomos_template", "the neighbour's"]
)
def test_no_other_database_can_be_entered(database: dict[str, Any], neighbour: dict[str, Any], foreign: str) -> None:
    name = neighbour["db_name"] if foreign == "the neighbour's" else foreign
    with pytest.raises(psycopg.OperationalError, match=r"permission denied for database|not currently accepting"):
        connect(database, dbname=name)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE ROLE intruder",
        "CREATE DATABASE another",
        "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1",
        "ALTER DATABASE {db_name} RENAME TO mine",
        "DROP DATABASE {db_name}",
        "SET ROLE polykomos",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_tenant_is_no_administrator(database: dict[str, Any], statement: str) -> None:
    with connect(database) as conn, pytest.raises(psycopg.Error) as failure:
        conn.execute(statement.replace("{db_name}", f'"{database["db_name"]}"'))
    assert not isinstance(failure.value, psycopg.errors.SyntaxError)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE polykomos_tenants LOGIN",
        "DROP DATABASE {db_name}",
        "ALTER DATABASE {db_name} CONNECTION LIMIT 0",
        "GRANT polykomos_tenants TO polykomos",
        "DROP ROLE polykomos_tenants",
    ],
)
def test_the_role_that_all_tenants_are_in_is_no_administrator_either(database: dict[str, Any], statement: str) -> None:
    with connect(database) as conn:
        conn.execute("SET ROLE polykomos_tenants")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement.replace("{db_name}", f'"{database["db_name"]}"'))


def test_no_tenant_takes_others_out_of_the_role(database: dict[str, Any], neighbour: dict[str, Any]) -> None:
    with connect(database) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"GRANT {database['db_username']} TO polykomos_tenants")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"REVOKE polykomos_tenants FROM {neighbour['db_username']}")
        conn.execute(f"REASSIGN OWNED BY polykomos_tenants TO {database['db_username']}")
        conn.execute("DROP OWNED BY polykomos_tenants")
    with connect(neighbour) as other:
        other.execute("CREATE TABLE public.mine (i int)")


def test_the_role_that_all_tenants_are_in_opens_nothing_of_others(
    database: dict[str, Any], neighbour: dict[str, Any]
) -> None:
    """It owns every tenant's schema `public` (docs/decisions/0040)."""
    with connect(neighbour) as other, connect(database) as conn:
        row = other.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        for role in (database["db_username"], "polykomos_tenants"):
            conn.execute(f"SET ROLE {role}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute("SELECT pg_terminate_backend(%s)", row)
            shown = conn.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", row).fetchone()
            assert shown == ("<insufficient privilege>",)
        other.execute("SELECT 1")
        # Whatever it sets of itself is of no use: nobody logs in as it.
        conn.execute("ALTER ROLE polykomos_tenants PASSWORD 'known'; ALTER ROLE polykomos_tenants SET work_mem = '1GB'")
        with pytest.raises(psycopg.OperationalError, match="is not permitted to log in"):
            connect(database, user="polykomos_tenants", password="known")
        with connect(neighbour) as again:
            assert again.execute("SHOW work_mem").fetchone() == ("4MB",)


@pytest.mark.facts("S14", "S12")
def test_the_connection_limit_holds_and_follows_the_quota(api: httpx.Client, database: dict[str, Any]) -> None:
    def limit(value: int | None) -> None:
        changed = api.patch(
            f"/databases/{database['uuid']}/quotas", json={"connection_hard_limit": value}, headers=new_key()
        )
        assert changed.status_code == 200

    limit(1)
    with connect(database):
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            connect(database)
        limit(2)
        connect(database).close()
        limit(None)
        with connect(database) as conn:
            row = conn.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (50,)  # the plan's default


@pytest.mark.facts("S14")
def test_a_quota_at_creation_is_set_on_the_role(api: httpx.Client) -> None:
    made = create_database(api, "limited", connection_hard_limit=1)
    try:
        with connect(made), pytest.raises(psycopg.OperationalError, match="too many connections"):
            connect(made)
    finally:
        delete_all(api, [made["uuid"]])


@pytest.mark.facts("S2")
def test_rename_keeps_the_connection(api: httpx.Client, database: dict[str, Any]) -> None:
    with connect(database) as conn:
        renamed = api.patch(f"/databases/{database['uuid']}", json={"name": "renamed"}, headers=new_key())
        assert (renamed.json()["data"]["name"], renamed.json()["data"]["db_name"]) == ("renamed", database["db_name"])
        conn.execute("SELECT 1")
    connect(database).close()


def test_delete_ends_open_sessions_and_refuses_new_ones(api: httpx.Client) -> None:
    made = create_database(api, "short-lived")
    conn = connect(made)
    deleted = api.delete(f"/databases/{made['uuid']}", headers=new_key())
    assert deleted.json()["data"]["has_remote_resources"] is True
    with pytest.raises(psycopg.OperationalError):
        conn.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match=r"is not permitted to log in|not currently accepting"):
        connect(made)


@pytest.mark.facts("S1", "S3")
def test_equal_names_get_databases_of_their_own(api: httpx.Client) -> None:
    made = [create_database(api, "twin") for _ in range(3)]
    try:
        for database in made:
            with connect(database) as conn:
                conn.execute("CREATE TABLE once (i int)")
        assert len({database["db_name"] for database in made}) == 3
    finally:
        delete_all(api, [database["uuid"] for database in made])


def test_names_of_the_server_s_own_databases_can_be_chosen(api: httpx.Client) -> None:
    made = create_database(api, "postgres")
    try:
        assert made["name"] == "postgres"
        assert made["db_name"] != "postgres"
        connect(made).close()
    finally:
        delete_all(api, [made["uuid"]])


@pytest.mark.facts("C1", "S11", "S12")
@pytest.mark.parametrize(
    ("plan", "storage", "connections"), [("free", 1, 20), ("launch", 10, 50), ("grow", 50, 200), ("pro", 100, 500)]
)
def test_a_plan_has_its_quotas(api: httpx.Client, plan: str, storage: int, connections: int) -> None:
    default = {
        "storage_hard_limit_gb": storage,
        "connection_hard_limit": connections,
        "warning_threshold_pct": 80,
    }
    made = create_database(api, "planned", plan=plan)
    path = f"/databases/{made['uuid']}/quotas"
    try:
        assert (made["plan"], made["quotas"]) == (plan, default)
        other = {name: value + 1 for name, value in default.items()}
        assert api.patch(path, json=other, headers=new_key()).json()["data"]["quotas"] == other
        cleared = api.patch(path, json=dict.fromkeys(default), headers=new_key())
        assert cleared.json()["data"]["quotas"] == default
    finally:
        delete_all(api, [made["uuid"]])


@pytest.mark.facts("C4", "C24")
def test_null_at_creation_is_as_good_as_nothing(api: httpx.Client) -> None:
    names = ("storage_hard_limit_gb", "connection_hard_limit", "warning_threshold_pct", "blueprint_variables")
    made = create_database(api, "nulls", **dict.fromkeys(names))
    assert list(made["quotas"].values()) == [1, 20, 80]
    delete_all(api, [made["uuid"]])
