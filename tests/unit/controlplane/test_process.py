"""Settings files, logs, bells, finding PostgreSQL: what a process of the control plane is made of."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from controlplane.account.seed import SeedError, developer_user, read_seed
from controlplane.data_dir import DataDirError, DataDirLockedError, default_data_dir, open_data_dir
from controlplane.engines.postgres.binaries import DIRECTORY_VARIABLE, PostgresNotFoundError, find_binaries
from controlplane.errors import StartupError
from controlplane.logging import JsonFormatter
from controlplane.notifier import KeyedNotifier, Notifier
from controlplane.settings import Settings
from controlplane.state_file import StateFile


def test_the_state_file_is_persistent_and_private(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert StateFile(path).get_or_create("port", lambda: "1") == "1"
    assert StateFile(path).get_or_create("port", lambda: "2") == "1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_directory_is_locked_while_open(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    with open_data_dir(path) as directory, pytest.raises(DataDirLockedError), open_data_dir(path):
        pass
    with open_data_dir(directory):
        pass


def test_an_ephemeral_directory_is_removed() -> None:
    with open_data_dir(None) as directory:
        (directory / "file").touch()
    assert not directory.exists()


def test_an_abandoned_ephemeral_directory_is_swept_by_the_next() -> None:
    with open_data_dir(None) as directory:
        abandoned = directory.with_name("polykomos-dev-abandoned")
        abandoned.mkdir()
        (abandoned / "lock").touch()
        with open_data_dir(None):
            assert not abandoned.exists()
        assert directory.exists()


@pytest.mark.parametrize("place", ["/proc/nowhere/data", "{file}", "{file}/below", "/dev/null"])
def test_a_data_directory_that_cannot_be_made_is_one_line(tmp_path: Path, place: str) -> None:
    file = tmp_path / "file"
    file.touch()
    with (
        pytest.raises(DataDirError, match=r"cannot be used: .*Choose another --data-dir"),
        open_data_dir(Path(place.format(file=file))),
    ):
        pass


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_a_state_file_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "control-plane.json"
    path.write_text(text)
    with pytest.raises(StartupError, match=re.escape(str(path))):
        StateFile(path)


def test_the_command_says_so_in_one_line(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("polykomos")
    for more in ([], ["--detach"]):
        command = [str(program), "dev", "--port", "0", "--data-dir", "/proc/nowhere/data", *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert "/proc/nowhere/data cannot be used" in done.stderr


def test_the_default_directory_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / "polykomos" / "dev"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert default_data_dir().parts[-4:] == (".local", "state", "polykomos", "dev")


def test_settings_show_no_secret() -> None:
    shown = repr(Settings(api_key="pk_live_x", database_url="postgresql://u:p@h/d"))
    assert "pk_live_x" not in shown
    assert "postgresql" not in shown


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "Expecting"),
        ('{"users": [{"name": "a"}]}', "users.0.email"),
        ('{"users": [{"name": "a", "email": "b", "keys": [{"key": "secret k", "name": "k"}]}]}', "users.0.keys.0.key"),
        (
            '{"users": [{"name": "a", "email": "b", "keys": [{"key": "secret-key", "name": "k", "scopes": ["x"]}]}]}',
            "unknown scopes",
        ),
        (
            '{"users": [{"name": "a", "email": "b", "keys": [{"key": "secret-key-1", "name": "same"},'
            ' {"key": "secret-key-2", "name": "same"}]}]}',
            "key 'same' of b: another key has this name",
        ),
        (
            '{"users": [{"name": "a", "email": "b", "keys": [{"key": "secret-key-1", "name": "same"}]},'
            ' {"name": "a", "email": "b", "keys": [{"key": "secret-key-2", "name": "same"}]}]}',
            "key 'same' of b",
        ),
        (
            '{"users": [{"name": "a", "email": "developer@polykomos.localhost",'
            ' "keys": [{"key": "secret-key-1", "name": "Development Key"}]}]}',
            "polykomos dev",
        ),
        ('{"plans": {"free": {"connection_hard_limit": null}}}', "plans.free.connection_hard_limit"),
        ('{"plans": {"free": {"storage_hard_limit_gb": null}}}', "null is no limit"),
        ('{"plans": {"free": {"warning_threshold_pct": null}}}', "null is no limit"),
        (
            '{"users": [{"name": "a", "email": "b"}, {"name": "c", "email": "b"}]}',
            "b stands there twice, as 'a' and 'c'",
        ),
        ('{"users": [{"email": "b", "teams": null}]}', "users.0.name: Field required; users.0.teams: "),
        ('{"plans": {"free": {"daily_queries": 99999999999}}}', "plans.free.daily_queries"),
        ('{"queries": {"a": "SELECT 1"}}', "queries: Input should be a valid list"),
        ('{"queries": [{"query": "a"}]}', "queries.0.sql: Field required"),
        ('{"queries": [{"query": " ", "sql": "secret"}]}', "queries.0.query: Value error, must not be empty"),
        ('{"queries": [{"query": "a\\u0000", "sql": "secret"}]}', "queries.0.query: Value error, must not contain NUL"),
        (
            '{"queries": [{"query": "a", "sql": "secret", "db_type": "x"}]}',
            "queries.0.db_type: Input should be 'postgres'",
        ),
        ('{"queries": [{"query": "a", "sql": "secret", "dbtype": "mysql"}]}', "queries.0.dbtype: Extra inputs"),
        (
            '{"queries": [{"query": "a b", "sql": "1"}, {"query": "A  B ", "sql": "secret"}]}',
            "queries.1.query: an earlier answer has the same text",
        ),
        ('{"plans": {"free": {"daily_queries": 1}, "free": {"daily_queries": 2}}}', "'free' stands twice"),
    ],
)
def test_a_bad_seed_names_the_place_and_no_key(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "seed.json"
    path.write_text(text)
    with pytest.raises(SeedError) as caught:
        read_seed(path)
    assert place in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_seed_files_of_the_page_are_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "control-plane.md").read_text(encoding="utf-8")
    samples = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert len(samples) == 2
    for sample in samples:
        path = tmp_path / "seed.json"
        path.write_text(sample)
        seed = read_seed(path)
        assert seed.users or seed.queries


def test_the_developer_has_two_teams_and_every_scope() -> None:
    user = developer_user("pk_live_12345678", 120)
    assert len(user.teams) == 2
    assert len(user.keys[0].scopes) == 7


def test_a_log_line_is_one_json_object() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "two\nlines %s", ("and more",), None)
    record.facts = {"path": "/a\nb"}
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "two\nlines and more"
    assert json.loads(line)["path"] == "/a\nb"


def test_a_notification_between_read_and_wait_is_not_lost() -> None:
    async def story() -> None:
        bell = Notifier()
        ear = bell.subscribe()
        bell.notify()
        await asyncio.wait_for(ear.wait(600), 60)

    asyncio.run(story())


def test_a_ring_at_one_door_wakes_nobody_at_another() -> None:
    async def story() -> None:
        doors = KeyedNotifier()
        one, other = doors.subscribe(1), doors.subscribe(2)
        again = doors.subscribe(1)
        doors.notify(1)
        doors.notify(3)
        for ear in (one, again):
            await asyncio.wait_for(ear.wait(600), 60)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(other.wait(60), 0.05)
        doors.notify()
        await asyncio.wait_for(other.wait(600), 60)
        later = doors.subscribe(1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(later.wait(60), 0.05)

    asyncio.run(story())


def test_a_wait_without_a_ring_ends_in_silence() -> None:
    asyncio.run(Notifier().wait(0))


def test_a_configured_directory_without_postgresql_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    with pytest.raises(PostgresNotFoundError, match=DIRECTORY_VARIABLE):
        find_binaries()


def test_a_data_directory_of_another_version_is_said_so() -> None:
    with pytest.raises(PostgresNotFoundError, match="created by PostgreSQL 14"):
        find_binaries(required_major=14)


def test_a_seed_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_bytes(b'\xef\xbb\xbf{"users": []}\r\n')
    assert read_seed(path).users == []


def test_a_seed_of_another_encoding_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text('{"users": []}', encoding="utf-16")
    with pytest.raises(SeedError, match="byte 0 is not UTF-8"):
        read_seed(path)
