"""`polykomos dev`, `resourcekit` and all plugins without fcntl, pwd, /proc and what only Linux has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from support.bare_platform import bare_platform, programs_run
from support.control_plane import ControlPlane, create_database, new_key, wait_active, wait_until
from support.mysql import once

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "interpreters"))

import smoke  # noqa: E402

POLYKOMOS = Path(sys.executable).with_name("polykomos")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs that this test starts run so. Returns where they are noted."""
    for name, value in bare_platform(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that the account `nobody` may enter: without /proc, root cannot hand it over in another way."""
    made = Path(tempfile.mkdtemp(prefix="polykomos-bare-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def create_mysql(api: httpx.Client, name: str) -> dict[str, Any]:
    """MariaDB starts first, which takes more than one request's wait on a busy machine."""
    reply = api.post("/databases", json={"name": name, "db_type": "mysql"}, headers=new_key())
    return wait_active(api, reply.raise_for_status().json()["data"]["uuid"], seconds=180)


def test_the_control_plane_serves_and_survives_a_kill(bare: Path, open_directory: Path) -> None:
    arguments = ("--data-dir", str(open_directory / "data"), "--rate-limit", "0", "--pool-size", "1")
    with ControlPlane(*arguments, quick=False) as plane:
        with plane.client() as api:
            postgres = create_database(api, "orders")
            mysql = create_mysql(api, "shop")
        with psycopg.connect(postgres["connection_string"]) as conn:
            conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        once(mysql, "CREATE TABLE kept AS SELECT 43 AS answer")

        second = subprocess.run(
            [POLYKOMOS, "dev", *arguments, "--port", "0"], capture_output=True, text=True, check=False, timeout=120
        )
        assert second.returncode == 1
        assert "Another `polykomos dev` is running" in second.stderr

        plane.kill()
        plane.restart()
        with psycopg.connect(postgres["connection_string"]) as conn:
            assert conn.execute("SELECT answer FROM kept").fetchone() == (42,)
        with plane.client() as api:
            made = create_mysql(api, "after")
            api.delete(f"/databases/{made['uuid']}", headers=new_key()).raise_for_status()
        assert once(mysql, "SELECT answer FROM kept") == [(43,)]
    assert programs_run(bare).count("polykomos dev") >= 3


def test_an_ephemeral_one_serves_every_vendor(bare: Path) -> None:
    """A Polytomic query, a Polnor job, whose task is a process, and a Pragma resource: each by its own worker."""
    with (
        ControlPlane("--ephemeral", "--rate-limit", "0", "--vendor", "all", quick=False) as plane,
        plane.client() as api,
    ):
        made = create_database(api, "orders")
        with psycopg.connect(made["connection_string"]) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
        with plane.vendor("polytomic") as polytomic:
            asked = polytomic.post(
                f"/api/connections/{made['uuid']}/query", params={"query": "SELECT 42 AS a"}, json={}
            )
            query = asked.raise_for_status().json()["data"]["id"]
            wait_until(lambda: polytomic.get(f"/api/queries/{query}").json()["data"]["status"] == "done")
            assert polytomic.get(f"/api/queries/{query}").json()["data"]["results"] == [{"a": 42}]
        with plane.vendor("polnor/api/v1") as polnor:
            job = {"name": "job", "tasks": [{"key": "only", "command": "echo 43"}]}
            job_id = polnor.post("/jobs", json=job).raise_for_status().json()["id"]
            run = polnor.post(f"/jobs/{job_id}/run").raise_for_status().json()["run_id"]
            wait_until(lambda: polnor.get(f"/runs/{run}").json()["status"] == "success")
            assert polnor.get(f"/runs/{run}/tasks/only/logs").json()["logs"] == "43\n"
        with plane.vendor("pragma") as pragma:
            body = {"provider": "postgres", "resource": "database", "name": "orders", "config": {}}
            pragma.post("/resources/apply", json={**body, "lifecycle_state": "pending"}).raise_for_status()
            applied = "/resources/resource%3Apostgres_database_orders"
            wait_until(lambda: pragma.get(applied).json()["lifecycle_state"] == "ready")
    assert "polykomos dev" in programs_run(bare)


@pytest.mark.parametrize("vendor", smoke.VENDORS)
def test_the_plugins_of_every_vendor_serve(vendor: str, bare: Path) -> None:
    smoke.pulumi_plugin(vendor)
    smoke.terraform_plugin(vendor)
    for program in (f"pulumi-resource-{vendor}", f"terraform-provider-{vendor}"):
        assert program in programs_run(bare)


def test_a_provider_is_written_from_a_document(bare: Path) -> None:
    document = ROOT / "tests" / "unit" / "scaffold" / "documents" / "petstore.yaml"
    command = [POLYKOMOS.with_name("resourcekit"), "new", "shop", "--openapi", document, "--output", bare]
    subprocess.run(command, check=True, timeout=120)
    schema = subprocess.run(
        [POLYKOMOS.with_name("resourcekit"), "schema", "shop.package"],
        cwd=bare,
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert b"shop:index:Pet" in schema.stdout
    assert "resourcekit schema" in programs_run(bare)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root hands files over to `nobody`")
def test_a_directory_that_nobody_may_enter_is_said_so(bare: Path) -> None:
    closed = bare / "closed"
    closed.mkdir(mode=0o700)
    done = subprocess.run(
        [POLYKOMOS, "dev", "--port", "0", "--data-dir", str(closed / "data")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "the account `nobody` cannot enter" in done.stderr
    assert "Traceback" not in done.stderr
