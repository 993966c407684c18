"""The storage limit of both engines: writing stops, reading and deleting goes on, everything is given back (S14)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pymysql
import pytest

from support import mysql
from support.control_plane import ControlPlane, create_database, delete_all, new_key, wait_until

MB = 1_000_000
REFUSED = (psycopg.errors.DiskFull, pymysql.err.OperationalError, pymysql.err.ProgrammingError)
ENGINES = ("postgres", "mysql")


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "1") as plane:
        yield plane


@pytest.fixture
def api(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.client() as client:
        yield client


@dataclass
class Tenant:
    """A database, and its owner who runs statements in new sessions."""

    api: httpx.Client
    database: dict[str, Any]

    @property
    def engine(self) -> str:
        return self.database["db_type"]

    def run(self, *statements: str) -> list[Any]:
        found: list[Any] = []
        if self.engine == "mysql":
            with mysql.connect(self.database) as connection:
                for statement in statements:
                    found = mysql.ask(connection, statement)
            return found
        with psycopg.connect(self.database["connection_string"], autocommit=True) as conn:
            for statement in statements:
                cursor = conn.execute(statement)
                found = cursor.fetchall() if cursor.description else []
        return found

    def may(self, statement: str) -> bool:
        try:
            self.run(statement)
        except REFUSED:
            return False
        return True

    def limit(self, megabytes: float | None) -> None:
        limit = None if megabytes is None else megabytes / 1000
        path = f"/databases/{self.database['uuid']}/quotas"
        reply = self.api.patch(path, json={"storage_hard_limit_gb": limit}, headers=new_key())
        assert reply.status_code == 200, reply.text

    def fill(self, megabytes: int) -> None:
        """Rows of about 1 kB."""
        sequence = (
            f"SELECT repeat(md5(rand()), 31) FROM seq_1_to_{megabytes * 1000}"
            if self.engine == "mysql"
            else f"SELECT repeat(md5(i::text), 31) FROM generate_series(1, {megabytes * 1000}) i"
        )
        self.run(f"INSERT INTO filled (word) {sequence}")

    def stopped(self) -> None:
        wait_until(self.refuses)

    def refuses(self) -> bool:
        try:
            return not self.may("INSERT INTO filled (word) VALUES ('x')")
        except psycopg.OperationalError:  # sessions that began before are ended
            return False

    def stop(self) -> None:
        """Be over its limit."""
        self.limit(1)  # less than an empty database takes
        self.stopped()

    def free(self) -> None:
        wait_until(lambda: self.may("INSERT INTO filled (word) VALUES ('x')"))


@pytest.fixture
def postgres(api: httpx.Client) -> Iterator[Tenant]:
    made = create_database(api, "stored")
    tenant = Tenant(api, made)
    tenant.run("CREATE TABLE filled (id serial PRIMARY KEY, word text)")
    yield tenant
    delete_all(api, [made["uuid"]])


@pytest.fixture(params=ENGINES)
def tenant(request: pytest.FixtureRequest, api: httpx.Client) -> Iterator[Tenant]:
    made = create_database(api, "stored", db_type=request.param)
    tenant = Tenant(api, made)
    number = "int AUTO_INCREMENT PRIMARY KEY" if request.param == "mysql" else "serial PRIMARY KEY"
    tenant.run(f"CREATE TABLE filled (id {number}, word text)")
    yield tenant
    delete_all(api, [made["uuid"]])


@pytest.fixture
def full(tenant: Tenant) -> Tenant:
    """Over its limit by far."""
    tenant.fill(30)
    tenant.limit(12)
    tenant.stopped()
    return tenant


@pytest.mark.facts("S14")
def test_nothing_can_be_added_or_changed(full: Tenant) -> None:
    for statement in (
        "INSERT INTO filled (word) VALUES ('x')",
        "UPDATE filled SET word = concat(word, 'x')",
        "CREATE TABLE more (i int)",
        "CREATE TABLE more AS SELECT * FROM filled",
        "CREATE TEMPORARY TABLE more (i int)",
        "ALTER TABLE filled ADD COLUMN more int DEFAULT 3",
        "CREATE INDEX more ON filled (id)",
        "CREATE VIEW more AS SELECT 1 AS one",
    ):
        assert not full.may(statement), statement
    assert full.run("SELECT count(*) FROM filled")[0][0] >= 30_000


def test_a_session_that_was_open_before_is_stopped_too(tenant: Tenant) -> None:
    tenant.fill(30)
    open_one: Callable[[str], Any]
    if tenant.engine == "mysql":
        connection = mysql.connect(tenant.database)
        open_one = lambda statement: mysql.ask(connection, statement)  # noqa: E731
    else:
        session = psycopg.connect(tenant.database["connection_string"], autocommit=True)
        open_one = session.execute
    open_one("INSERT INTO filled (word) VALUES ('before')")
    tenant.limit(12)
    tenant.stopped()
    with pytest.raises((psycopg.OperationalError, pymysql.err.Error)):
        open_one("INSERT INTO filled (word) VALUES ('after')")


@pytest.mark.facts("S14")
def test_deleting_leads_below_the_limit_and_all_is_given_back(full: Tenant) -> None:
    full.run("DELETE FROM filled WHERE id > 10")
    if full.engine == "postgres":
        full.run("VACUUM FULL filled")
    full.free()
    full.run("CREATE TABLE more (i int)", "ALTER TABLE filled ADD COLUMN more int", "UPDATE filled SET word = 'y'")
    full.run("DROP TABLE more", "CREATE INDEX again ON filled (id)")


@pytest.mark.parametrize("statement", ["TRUNCATE TABLE filled", "DROP TABLE filled"])
def test_truncate_and_drop_lead_below_the_limit(full: Tenant, statement: str) -> None:
    full.run(statement)
    wait_until(lambda: full.may("CREATE TABLE again (i int)"))


def test_a_raised_quota_gives_all_back(full: Tenant) -> None:
    full.limit(None)
    full.free()
    assert full.may("CREATE TABLE more (i int)")


def test_the_tenant_cannot_lift_it(full: Tenant) -> None:
    attempts = (
        (
            "SET SESSION sql_mode = ''",
            "GRANT INSERT ON filled TO CURRENT_USER()",
            "SET ROLE NONE",
            "FLUSH PRIVILEGES",
        )
        if full.engine == "mysql"
        else (
            "ALTER TABLE filled DISABLE TRIGGER ALL",
            "DROP TRIGGER polykomos_storage_limit ON filled",
            "DROP EVENT TRIGGER polykomos_storage",
            "ALTER EVENT TRIGGER polykomos_storage DISABLE",
            "DROP SCHEMA polykomos_storage CASCADE",
            "CREATE OR REPLACE FUNCTION polykomos_storage.refuse_rows() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
            "SET session_replication_role = replica",
            "SET default_transaction_read_only = off",
            "SELECT lo_from_bytea(0, 'x')",
            "ALTER TABLE filled RENAME TO other",
        )
    )
    for statement in attempts:
        with contextlib.suppress(psycopg.Error, pymysql.err.Error):
            full.run(statement)
        assert not full.may("INSERT INTO filled (word) VALUES ('x')"), statement
        assert not full.may("CREATE TABLE more (i int)"), statement


def test_what_was_prepared_before_does_not_lift_it(tenant: Tenant) -> None:
    """Routines with their owner's rights, rules, triggers."""
    if tenant.engine == "mysql":
        tenant.run(
            "CREATE PROCEDURE sneak() SQL SECURITY DEFINER INSERT INTO filled (word) VALUES ('sneaked')",
            "CREATE TABLE trap (i int)",
            "INSERT INTO trap VALUES (1)",
            "CREATE TRIGGER sneaks AFTER DELETE ON trap FOR EACH ROW INSERT INTO filled (word) VALUES ('sneaked')",
        )
        attempts = ["CALL sneak()", "DELETE FROM trap"]
    else:
        tenant.run(
            "CREATE FUNCTION sneak() RETURNS void LANGUAGE sql SECURITY DEFINER"
            " AS $$ INSERT INTO filled (word) VALUES ('sneaked') $$",
            "CREATE TABLE trap (i int)",
            "INSERT INTO trap VALUES (1)",
            "CREATE RULE sneaks AS ON DELETE TO trap DO ALSO INSERT INTO filled (word) VALUES ('sneaked')",
            "GRANT ALL ON filled TO PUBLIC",
            "CREATE VIEW pane AS SELECT * FROM filled",
        )
        attempts = ["SELECT sneak()", "DELETE FROM trap", "INSERT INTO pane (word) VALUES ('sneaked')"]
    tenant.fill(30)
    tenant.limit(12)
    tenant.stopped()
    for attempt in attempts:
        assert not tenant.may(attempt), attempt
    assert tenant.run("SELECT count(*) FROM filled WHERE word = 'sneaked'") == [(0,)]


def test_rows_that_refer_to_a_deleted_one_do_not_keep_it(tenant: Tenant) -> None:
    serial = "int PRIMARY KEY"
    tenant.run(
        f"CREATE TABLE parent (id {serial})",
        f"CREATE TABLE child (id {serial}, parent int, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE SET NULL)",
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO child VALUES (1, 1)",
    )
    tenant.fill(30)
    tenant.limit(12)
    tenant.stopped()
    tenant.run("DELETE FROM parent")
    assert tenant.run("SELECT parent FROM child") == [(None,)]
    assert not tenant.may("UPDATE child SET id = 2")


def test_no_more_than_that_may_be_done_to_rows_that_refer(postgres: Tenant) -> None:
    """Every other update would leave another version of the row, as often as one likes."""
    postgres.run(
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE child (id int, parent int REFERENCES parent ON DELETE SET NULL)",
        "CREATE TABLE heir () INHERITS (child)",
        "CREATE TABLE single (parent int REFERENCES parent ON DELETE SET NULL)",
        "INSERT INTO parent VALUES (1), (2)",
        "INSERT INTO child VALUES (1, 1)",
        "INSERT INTO heir VALUES (1, 1)",
        "INSERT INTO single VALUES (1)",
    )
    postgres.stop()
    for statement in (
        "UPDATE child SET parent = parent",
        "UPDATE child SET parent = NULL",
        "UPDATE single SET parent = parent",
        "UPDATE single SET parent = 2",
    ):
        assert not postgres.may(statement), statement
    assert postgres.may("UPDATE single SET parent = NULL")
    assert not postgres.may("UPDATE single SET parent = NULL"), "it is null already"
    assert postgres.may("DELETE FROM single")


def test_things_of_the_same_names_do_not_stand_in_its_way(postgres: Tenant) -> None:
    postgres.run(
        "CREATE FUNCTION harmless() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER polykomos_storage_limit BEFORE INSERT ON filled FOR EACH STATEMENT EXECUTE FUNCTION harmless()",
        "CREATE SCHEMA polykomos_storage",
        "CREATE FUNCTION polykomos_storage.refuse_rows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TABLE parts (i int) PARTITION BY LIST (i)",
        "CREATE TABLE part PARTITION OF parts DEFAULT",
        "CREATE TRIGGER polykomos_storage_limit BEFORE INSERT ON parts FOR EACH ROW EXECUTE FUNCTION harmless()",
    )
    postgres.stop()
    for statement in (
        "INSERT INTO filled (word) VALUES ('x')",
        "INSERT INTO parts VALUES (1)",
        "INSERT INTO part VALUES (1)",
    ):
        assert not postgres.may(statement), statement
    postgres.limit(None)
    postgres.free()
    ours = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname ~ '^polykomos_storage_limit' ORDER BY 1"
    assert postgres.run(ours) == [("filled",), ("part",), ("parts",)], "the tenant's own stay, ours go"


def test_what_only_an_open_session_sees_ends_with_it(postgres: Tenant) -> None:
    url = postgres.database["connection_string"]
    with contextlib.ExitStack() as stack:
        temporary, hidden = (stack.enter_context(contextlib.closing(psycopg.connect(url))) for _ in range(2))
        temporary.autocommit = True
        temporary.execute("CREATE TEMPORARY TABLE aside (word text)")
        hidden.execute("CREATE TABLE aside (word text)")
        postgres.stop()
        for session in (temporary, hidden):
            with pytest.raises(psycopg.OperationalError):
                session.execute("INSERT INTO aside VALUES ('x')")


def test_a_large_object_cannot_be_made_larger(postgres: Tenant) -> None:
    number = postgres.run("SELECT lo_from_bytea(0, 'x')")[0][0]
    postgres.stop()
    for function in ("lo_truncate", "lo_truncate64"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            postgres.run(f"SELECT {function}(lo_open({number}, 131072), 100000)")
    postgres.run(f"SELECT lo_unlink({number})")


@pytest.mark.facts("S14")
def test_the_warning_is_logged_once(plane: ControlPlane, tenant: Tenant) -> None:
    before = plane.log_text.count("storage warning threshold reached")
    tenant.fill(20)
    tenant.limit(40)
    path = f"/databases/{tenant.database['uuid']}/quotas"
    tenant.api.patch(path, json={"warning_threshold_pct": 50}, headers=new_key())
    wait_until(lambda: plane.log_text.count("storage warning threshold reached") == before + 1)
    tenant.fill(1)
    assert tenant.may("INSERT INTO filled (word) VALUES ('x')")
    assert plane.log_text.count("storage warning threshold reached") == before + 1


def test_a_deleted_one_can_be_destroyed_while_it_is_stopped(full: Tenant) -> None:
    reply = full.api.delete(f"/databases/{full.database['uuid']}", headers=new_key())
    assert reply.status_code == 200


@pytest.mark.parametrize("engine", ENGINES)
def test_a_storage_limit_survives_a_kill(engine: str, tmp_path: Any) -> None:
    arguments = ["--data-dir", str(tmp_path / "data"), "--rate-limit", "0", "--pool-size", "1"]
    with ControlPlane(*arguments) as plane:
        with plane.client() as api:
            tenant = Tenant(api, create_database(api, "stored", db_type=engine))
            tenant.run("CREATE TABLE filled (id int, word text)")
            tenant.fill(30)
            tenant.limit(12)
            tenant.stopped()
        plane.kill()
        plane.restart()
        with plane.client() as api:
            tenant.api = api
            wait_until(lambda: reachable(tenant))
            assert not tenant.may("INSERT INTO filled (word) VALUES ('x')")
            tenant.limit(None)
            tenant.free()


def reachable(tenant: Tenant) -> bool:
    try:
        return bool(tenant.run("SELECT 1"))
    except (psycopg.OperationalError, pymysql.err.OperationalError):
        return False
