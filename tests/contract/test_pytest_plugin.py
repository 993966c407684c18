"""The fixtures that users get, in a pytest of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
pytest_plugins = ["pytester"]

THEIRS = """
    import os
    import time

    import psycopg
    import pytest

    uuids, bases = [], set()

    def test_a_database_of_ones_own(polykomos_database, polykomos_control_plane):
        assert polykomos_database["name"] == "test-a-database-of-ones-own"
        with psycopg.connect(polykomos_database["connection_string"]) as conn:
            conn.execute("CREATE TABLE mine (id int)")
        uuids.append(polykomos_database["uuid"])
        bases.add(polykomos_control_plane.base_url)

    @pytest.mark.parametrize("number", [1, 2])
    def test_another(polykomos_database, polykomos_control_plane, number):
        with psycopg.connect(polykomos_database["connection_string"]) as conn:
            assert conn.execute("SELECT to_regclass('mine')").fetchone() == (None,)
        assert polykomos_database["uuid"] not in uuids
        assert polykomos_control_plane.api.get(f"/databases/{uuids[-1]}").status_code == 404
        uuids.append(polykomos_database["uuid"])
        bases.add(polykomos_control_plane.base_url)

    def test_nothing_is_left_on_the_server_of_the_databases_of_tests(polykomos_database):
        with psycopg.connect(polykomos_database["connection_string"], autocommit=True) as conn:
            def own():
                listed = conn.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test_%'").fetchall()
                return [name for (name,) in listed]

            deadline = time.monotonic() + 120
            while own() != [polykomos_database["db_name"]]:
                assert time.monotonic() < deadline, own()
                time.sleep(0.1)

    def test_one_server_for_all(polykomos_env):
        assert bases == {os.environ["POLYKOMOS_BASE_URL"]}
        assert polykomos_env.api.get("/me").json()["data"]["api_key"]["controls"]["requests_per_minute"] == 0

    def test_what_one_test_changes_and_does_not_undo(polykomos_control_plane):
        plane = polykomos_control_plane
        plane.inject_fault("getMe", "status", status=503, count=None)
        plane.advance(3600)
        plane.admin.post("/clock/freeze", json={}).raise_for_status()
        plane.admin.patch("/provisioning", json={"delay_seconds": 3000, "pool_size": 0}).raise_for_status()

    def test_what_one_test_answers(polykomos_database, polykomos_control_plane):
        plane = polykomos_control_plane
        plane.answer_query("Who bought most?", "SELECT 'Ann' AS name", db_type="postgres")
        asked = {"database_uuid": polykomos_database["uuid"], "query": "who bought  MOST?"}
        assert plane.api.post("/query_executions", json=asked).json()["result"]["rows"] == [{"name": "Ann"}]

    def test_is_undone_for_the_next(polykomos_control_plane):
        plane = polykomos_control_plane
        assert plane.api.get("/me").status_code == 200
        clock = plane.admin.get("/clock").json()
        assert (clock["is_frozen"], clock["offset_seconds"]) == (False, 0)
        assert plane.admin.get("/provisioning").json()["delay_seconds"] is None
        assert plane.admin.get("/queries").json() == []

    def test_the_names_of_earlier_releases(polykomos_control_plane):
        from polykomos_provider.testing import NotStarted, StartupError

        plane = polykomos_control_plane
        assert NotStarted is StartupError
        plane.fail("getMe", "status", status=503, count=None)
        assert plane.api.get("/me").status_code == 503
        plane.heal()
        assert plane.api.get("/me").status_code == 200
        assert not plane.is_changed

    def test_faults_time_and_webhooks(polykomos_control_plane):
        plane = polykomos_control_plane
        plane.inject_fault("getMe", "status", status=503)
        assert [plane.api.get("/me").status_code for _ in range(2)] == [503, 200]
        plane.inject_fault("getMe", "status", status=503, count=None)
        plane.clear_faults()
        assert plane.api.get("/me").status_code == 200
        before = plane.admin.get("/clock").json()["offset_seconds"]
        plane.advance(3600)
        assert plane.admin.get("/clock").json()["offset_seconds"] == before + 3600
        plane.clear_faults()
        made = plane.api.post(
            "/webhook_endpoints", json={"url": plane.inbox_url("mine")}, headers={"Idempotency-Key": "k"}
        ).json()["data"]
        ping = plane.api.post(f"/webhook_endpoints/{made['id']}/test_deliveries").json()["data"]
        assert ping["status"] == "delivered"
        assert [each["body"]["event"] for each in plane.inbox("mine")] == ["ping"]
"""


def test_the_pytest_plugin_is_loaded_when_the_distribution_is_installed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(THEIRS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    result.assert_outcomes(passed=10)


def test_the_pytest_plugins_options_are_those_of_the_command(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\npolykomos_arguments = --provision-delay nonsense\n")
    pytester.makepyfile("def test_it(polykomos_control_plane): pass")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*StartupError*", "*'--provision-delay'*"])


def test_without_its_fixtures_it_costs_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\ndef test_it(): assert not {'httpx', 'controlplane', 'pulumi'} & sys.modules.keys()"
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:schemathesis", "-q").assert_outcomes(passed=1)


# Before the sample: a test that leaves a database, as any test may. After it: tests that an earlier one could break.
AROUND = """
import os
import urllib.request
import uuid
import json

def our_deployment():
    key = str(uuid.uuid4())
    for _ in range(2):
        request = urllib.request.Request(
            os.environ["POLYKOMOS_BASE_URL"] + "/databases", data=json.dumps({{"name": "orders"}}).encode(),
            headers={{"Authorization": "Bearer " + os.environ["POLYKOMOS_API_KEY"], "Idempotency-Key": key}},
        )
        try:
            return urllib.request.urlopen(request).read()
        except OSError:
            pass
    raise AssertionError("the reply was lost more than once")

def test_an_earlier_one(polykomos_env):
    polykomos_env.create_database("left-over")

{sample}

def test_a_later_one(polykomos_control_plane):
    assert polykomos_control_plane.admin.get("/clock").json()["offset_seconds"] == 0
    assert polykomos_control_plane.admin.get("/faults").json() == []

def test_a_fault_that_is_never_met(polykomos_control_plane):
    polykomos_control_plane.inject_fault("getMe", "status", status=503, count=None)

def test_the_next_one(polykomos_control_plane):
    assert polykomos_control_plane.api.get("/me").status_code == 200
"""


def test_the_sample_of_the_page(pytester: pytest.Pytester) -> None:
    (sample,) = re.findall(r"```python\n(.*?)```", (DOCS / "testing.md").read_text(), re.DOTALL)
    pytester.makepyfile(AROUND.format(sample=sample))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    result.assert_outcomes(passed=8)
