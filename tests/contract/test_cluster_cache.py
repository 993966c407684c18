"""Ephemeral control planes copy a cluster from the user's cache directory."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from support.control_plane import ControlPlane, create_database

OPTIONS = ("--ephemeral", "--rate-limit", "0", "--pool-size", "1")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for the control planes of the test."""
    monkeypatch.setenv("POLYKOMOS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "clusters"


def clusters(cache: Path) -> list[Path]:
    return [path for path in cache.iterdir() if path.is_dir()]


def works(plane: ControlPlane) -> str:
    """Make a database and use it; returns its connection string."""
    with plane.client() as api:
        made = create_database(api)
    with psycopg.connect(made["connection_string"]) as connection:
        connection.execute("CREATE TABLE t (n int)")
    return str(made["connection_string"])


def test_the_second_one_copies_what_the_first_one_made(cache: Path) -> None:
    with ControlPlane(*OPTIONS) as first:
        works(first)
    (made,) = clusters(cache)
    before = (made / "postgres" / "data" / "PG_VERSION").stat().st_mtime_ns
    with ControlPlane(*OPTIONS) as second:
        server = psycopg.conninfo.conninfo_to_dict(works(second))
        password = json.loads((made / "state.json").read_text())["postgres_password"]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(
                host="127.0.0.1", port=server["port"], user="polykomos", password=password, dbname="postgres"
            )
    assert clusters(cache) == [made]
    assert (made / "postgres" / "data" / "PG_VERSION").stat().st_mtime_ns == before
    assert (made / "state.json").stat().st_mode & 0o077 == 0
    assert cache.stat().st_mode & 0o077 == 0


def test_those_that_start_together_make_one(cache: Path) -> None:
    planes = [ControlPlane(*OPTIONS) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(ControlPlane.__enter__, planes))
    try:
        for plane in planes:
            works(plane)
    finally:
        for plane in planes:
            plane.__exit__(None, None, None)
    assert len(clusters(cache)) == 1


def test_a_control_plane_starts_without_a_cache(cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("not a directory")
    with ControlPlane(*OPTIONS) as plane:
        works(plane)


def test_what_a_killed_one_left_is_not_taken_and_old_versions_go(cache: Path) -> None:
    (cache / "tmpleft" / "made" / "postgres").mkdir(parents=True)
    (cache / "0123456789abcdef").mkdir()
    now = time.time()
    os.utime(cache / "0123456789abcdef", (now, now - 15 * 86_400))
    with ControlPlane(*OPTIONS) as plane:
        works(plane)
    assert not (cache / "0123456789abcdef").exists()
    assert (cache / "tmpleft").exists(), "another process may be making it"
    assert len(clusters(cache)) == 2
