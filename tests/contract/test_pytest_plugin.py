"""The fixtures that users get, in a pytest of their own."""

from __future__ import annotations

import pytest

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

            deadline = time.monotonic() + 20
            while own() != [polykomos_database["db_name"]]:
                assert time.monotonic() < deadline, own()
                time.sleep(0.1)

    def test_one_server_for_all(polykomos_env):
        assert bases == {os.environ["POLYKOMOS_BASE_URL"]}
        assert polykomos_env.api.get("/me").json()["data"]["api_key"]["controls"]["requests_per_minute"] == 0

    def test_faults_time_and_webhooks(polykomos_control_plane):
        plane = polykomos_control_plane
        plane.fail("getMe", "status", status=503)
        assert [plane.api.get("/me").status_code for _ in range(2)] == [503, 200]
        plane.fail("getMe", "status", status=503, count=None)
        plane.heal()
        assert plane.api.get("/me").status_code == 200
        before = plane.admin.get("/clock").json()["offset_seconds"]
        plane.advance(3600)
        assert plane.admin.get("/clock").json()["offset_seconds"] == before + 3600
        plane.heal()
        made = plane.api.post(
            "/webhook_endpoints", json={"url": plane.inbox_url("mine")}, headers={"Idempotency-Key": "k"}
        ).json()["data"]
        ping = plane.api.post(f"/webhook_endpoints/{made['id']}/test_deliveries").json()["data"]
        assert ping["status"] == "delivered"
        assert [each["body"]["event"] for each in plane.inbox("mine")] == ["ping"]
"""


def test_it_is_there_once_the_distribution_is_installed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(THEIRS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    result.assert_outcomes(passed=6)


def test_its_options_are_those_of_the_command(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\npolykomos_arguments = --provision-delay nonsense\n")
    pytester.makepyfile("def test_it(polykomos_control_plane): pass")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*NotStarted*", "*'--provision-delay'*"])


def test_without_its_fixtures_it_costs_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\ndef test_it(): assert not {'httpx', 'controlplane', 'pulumi'} & sys.modules.keys()"
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:schemathesis", "-q").assert_outcomes(passed=1)
