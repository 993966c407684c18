"""What a new PostgreSQL database is made from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from controlplane.db.pool import execute_unprepared, make_pool
from controlplane.engines.postgres.template import TEMPLATE, TENANTS
from support import server_admin
from support.control_plane import ControlPlane, create_database


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with ControlPlane("--data-dir", str(tmp_path / "data"), "--pool-size", "0") as running:
        yield running


def owner_of_public(url: str) -> str:
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'").fetchone()
    assert row is not None
    return str(row[0])


def size(conn: psycopg.Connection[Any], database: str) -> int:
    row = conn.execute("SELECT pg_database_size(%s)", (database,)).fetchone()
    assert row is not None
    return int(row[0])


def test_a_template_that_a_killed_start_left_half_made_is_finished(plane: ControlPlane) -> None:
    with server_admin.connect(plane) as conn:
        conn.execute(f"ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS true")
        with psycopg.connect(server_admin.url(plane), dbname=TEMPLATE, autocommit=True) as within:
            within.execute("ALTER SCHEMA public OWNER TO pg_database_owner")
    plane.kill()
    plane.start()
    with plane.client() as api:
        made = create_database(api, "after")
    assert owner_of_public(made["connection_string"]) == TENANTS
    with psycopg.connect(made["connection_string"], autocommit=True) as conn:
        conn.execute("CREATE TABLE t (i int)")
    with server_admin.connect(plane) as conn:
        assert size(conn, TEMPLATE) < 0.95 * size(conn, "template0"), "its catalogs are written anew"


def test_what_a_version_before_left_half_built_becomes_its_tenant_s_too(plane: ControlPlane) -> None:
    with server_admin.connect(plane) as conn:
        conn.execute(f"CREATE DATABASE instance_{server_admin.next_instance(conn)} TEMPLATE template0")
    with plane.client() as api:
        made = create_database(api, "taken-over")
    with psycopg.connect(made["connection_string"], autocommit=True) as conn:
        conn.execute("CREATE TABLE t (i int)")


def test_statements_stay_prepared_where_roles_and_databases_are_changed(plane: ControlPlane) -> None:
    """Only because of that do calls not have all they run planned again and again."""

    async def whole() -> None:
        async with make_pool(server_admin.url(plane)) as pool, pool.connection() as conn:
            for _ in range(20):
                await conn.execute("SELECT 1 AS one WHERE %s", (True,))
            for statement in ("CREATE ROLE someone", "ALTER ROLE someone NOLOGIN", "DROP ROLE someone"):
                await execute_unprepared(conn, sql.SQL(statement).format())
            cursor = await conn.execute("SELECT statement FROM pg_prepared_statements")
            found = [row["statement"] for row in await cursor.fetchall()]
            assert [text for text in found if "AS one" in text]
            assert not [text for text in found if "someone" in text]

    asyncio.run(whole())
