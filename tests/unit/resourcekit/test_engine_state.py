"""Finding the engine that runs us, and reading what its state holds: of the right state, or not at all."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from resourcekit.plugin import engine_cli
from resourcekit.plugin.engine_cli import EngineCli
from resourcekit.pulumi import stack_export
from resourcekit.terraform import state_pull
from support.bare_platform import bare_platform

INSTANCE = "0c1b3c0e-6f3f-4b6a-9d55-0d2b8f6e4a11"
PROVIDER = {"type": "pulumi:providers:toy", "id": INSTANCE}
SHELF = {"type": "toy:index:Shelf", "id": "7"}


def state(*ids: str, **more: Any) -> dict[str, Any]:
    instances = [{"attributes": {"id": id_}} for id_ in ids]
    return {"version": 4, "resources": [{"mode": "managed", "type": "toy_shelf", "instances": instances}], **more}


def script(path: Path, answers: dict[str, Any]) -> str:
    """An engine of a kind: a program that answers a command line with JSON, and any other with an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = path.with_suffix(".py")
    code.write_text(
        f"import json, sys\nanswers = json.loads({json.dumps(json.dumps(answers))})\n"
        "found = answers[' '.join(sys.argv[1:])]\nprint(json.dumps(found) if found else '')\n"
    )
    # Not the interpreter itself behind `#!`: its path may have blanks.
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(code))} "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["apply", "-state=own.tfstate"], ["own.tfstate"]),
        (["apply", "--state", "own.tfstate"], ["own.tfstate"]),
        (["apply", "-state-out=out", "-auto-approve"], []),
        (["apply", "-state"], []),
        (["apply", "-var=state=x"], []),
        ([], []),
    ],
)
def test_an_option_of_a_command_line(words: list[str], found: list[str]) -> None:
    assert engine_cli.flag_values(words, "state") == found


def failing(path: Path, times: int, printed: Any) -> Path:
    """An engine of a kind that fails so many times, as while its state is written. Returns the file of its calls."""
    calls = path.with_suffix(".calls")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = shlex.quote(str(calls))
    path.write_text(
        f"#!/bin/sh\npwd -P >> {file}\n[ $(wc -l < {file}) -gt {times} ] || exit 1\n"
        f"echo {shlex.quote(json.dumps(printed))}\n"
    )
    path.chmod(0o755)
    return calls


@pytest.mark.parametrize(("times", "found", "runs"), [(0, {}, 1), (4, {}, 5), (5, None, 5)])
def test_a_command_that_fails_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, found: Any, runs: int
) -> None:
    monkeypatch.setattr(engine_cli, "_PAUSES", (0, 0, 0, 0))
    calls = failing(tmp_path / "bin" / "pulumi", times, {})
    engine = EngineCli(str(tmp_path / "bin" / "pulumi"), directory=tmp_path)
    assert engine.run_json("stack", "export") == found
    assert calls.read_text().splitlines() == [str(tmp_path.resolve())] * runs


def test_a_command_that_hangs_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_cli, "_SECONDS", 0.5)
    calls = failing(tmp_path / "pulumi", 0, {})
    (tmp_path / "pulumi").write_text(f"#!/bin/sh\necho called >> {shlex.quote(str(calls))}\nexec sleep 600\n")
    assert EngineCli(str(tmp_path / "pulumi")).run_json("stack", "export") is None
    assert not calls.exists() or calls.read_text() == "called\n"


@pytest.mark.parametrize("is_bare", [False, True])
def test_the_engine_is_found_behind_a_launcher(is_bare: bool, tmp_path: Path) -> None:
    """A shell plays the engine, and a Python between it and us the launcher."""
    ask = "from resourcekit.plugin import engine_cli as e; print(e.find_parent_engine(['bash']).options('state'))"
    launch = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ask!r}], check=True)"
    done = subprocess.run(
        ["bash", "-c", '"$PYTHON" -c "$LAUNCH"; true', "apply", "-state=own.tfstate"],
        env={**os.environ, **(bare_platform(tmp_path) if is_bare else {}), "PYTHON": sys.executable, "LAUNCH": launch},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['own.tfstate']", done.stderr


def test_a_process_without_an_engine_finds_none() -> None:
    assert engine_cli.find_parent_engine(["no-such-engine"]) is None


# Pulumi


def test_the_objects_of_a_stack() -> None:
    exported = {"deployment": {"resources": [PROVIDER, SHELF, {"type": "component", "urn": "x"}]}}
    found = stack_export.parse_export(exported, INSTANCE)
    assert found is not None
    assert found.resource_refs == {
        ("pulumi:providers:toy", INSTANCE),
        ("toy:index:Shelf", "7"),
    }


@pytest.mark.parametrize(
    "exported",
    [
        {"deployment": {"resources": [SHELF]}},
        {"deployment": {"resources": [{**PROVIDER, "id": "another"}, SHELF]}},
        {"deployment": {"resources": [{"type": "toy:index:Shelf", "id": INSTANCE}]}},
        {"deployment": {}},
        {},
        None,
        [],
    ],
)
def test_another_stack_of_the_same_name_tells_nothing(exported: Any) -> None:
    assert stack_export.parse_export(exported, INSTANCE) is None


def test_the_name_that_the_user_gave_is_tried_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, other = ({"deployment": {"resources": [each, SHELF]}} for each in (PROVIDER, {**PROVIDER, "id": "o"}))
    export = "stack export --stack {} --non-interactive"
    answers = {export.format("dev"): other, export.format("org/shop/dev"): mine}
    program = script(tmp_path / "pulumi", answers)
    for words, found in ((("up", "-s", "org/shop/dev"), True), (("up",), False)):
        monkeypatch.setattr(engine_cli, "find_parent_engine", lambda _names, words=words: EngineCli(program, words))
        assert (stack_export.StackExport("urn:pulumi:dev::shop::t::n", INSTANCE).resource_refs() is not None) is found


def provider(id_: str, created: str = "", name: str = "default", kind: str = "toy") -> dict[str, Any]:
    urn = f"urn:pulumi:dev::shop::pulumi:providers:{kind}::{name}"
    return {"urn": urn, "type": f"pulumi:providers:{kind}", "id": id_, "created": created}


def made_by(instance: dict[str, Any]) -> dict[str, Any]:
    return {"type": "toy:index:Shelf", "provider": f"{instance['urn']}::{instance['id']}"}


def test_the_instances_of_a_package_are_all_that_the_state_names_the_oldest_first() -> None:
    old, new = provider("b", "2026-11-30T10:00:00.2Z", "default_0_1_0"), provider("a", "2026-11-30T10:00:00.25Z")
    others = provider("x", "2025-01-01T00:00:00Z", kind="random")
    gone, killed = provider("g", name="gone"), provider("k", name="killed")
    state = stack_export.DeploymentState(
        (new, others, old, made_by(others), made_by(gone), {"type": "component"}),
        ({"type": "creating", "resource": made_by(killed)}, {"resource": None}),
    )
    assert state.instances("toy") == ["g", "k", "b", "a"]
    assert stack_export.DeploymentState(()).instances("toy") == []


def test_without_a_state_a_provider_knows_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_export, "read_state", lambda *_: None)
    assert stack_export.StackExport("urn:pulumi:dev::shop::t::n", INSTANCE).instances("toy") == [INSTANCE]


def test_a_state_that_the_running_engine_cannot_export_is_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_cli, "_PAUSES", ())
    calls = failing(tmp_path / "bin" / "pulumi", 4, {"deployment": {"resources": [PROVIDER, SHELF]}})
    monkeypatch.setattr(
        engine_cli, "find_parent_engine", lambda _names: EngineCli(str(tmp_path / "bin" / "pulumi"), ("up",))
    )
    export = stack_export.StackExport("urn:pulumi:dev::shop::t::n", INSTANCE)
    assert export.state() is None
    assert export.resource_refs() is None
    assert len(calls.read_text().splitlines()) == 1, "a failed read is not repeated for this"
    assert export.latest() is None
    for _ in range(2):
        with pytest.raises(stack_export.StateReadError, match="`pulumi stack export --stack dev` failed"):
            export.known_state()
    for _ in range(2):
        found = export.known_state()
        assert found is not None
        assert found.resources == (PROVIDER, SHELF)
    assert len(calls.read_text().splitlines()) == 5


def test_an_engine_of_path_that_cannot_export_may_be_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_cli, "_PAUSES", ())
    failing(tmp_path / "bin" / "pulumi", 9, {})
    monkeypatch.setattr(engine_cli, "find_parent_engine", lambda _names: None)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert stack_export.StackExport("urn:pulumi:dev::shop::t::n", INSTANCE).known_state() is None


# Terraform


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def set_up(pulled: Any, *words: str) -> None:
        program = script(tmp_path / "terraform", {"state pull": pulled})
        monkeypatch.setattr(engine_cli, "find_parent_engine", lambda _names: EngineCli(program, words))

    return set_up


def objects(*ids: str) -> frozenset[tuple[str, str]]:
    return frozenset(("toy_shelf", id_) for id_ in ids)


def test_the_objects_of_a_state(engine: Any) -> None:
    engine(state("1", "2"), "apply")
    assert state_pull.read_refs(objects("2", "gone since")) == objects("1", "2")
    engine(None, "apply")
    assert state_pull.read_refs(frozenset()) == frozenset(), "there is no state yet"


@pytest.mark.parametrize("given", ["-state=own.tfstate", "TF_CLI_ARGS", "TF_CLI_ARGS_apply"])
def test_a_state_of_another_name_counts(engine: Any, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    engine(state("1"), "apply", *([given] if given.startswith("-") else []))
    if not given.startswith("-"):
        monkeypatch.setenv(given, "-no-color -state='own.tfstate'")
    assert state_pull.read_refs(frozenset()) == objects("1"), "not written yet"
    Path("own.tfstate").write_text(json.dumps(state("2")))
    assert state_pull.read_refs(frozenset()) == objects("1", "2")
    Path("own.tfstate").write_text(json.dumps({"encrypted_data": "…"}))
    assert state_pull.read_refs(frozenset()) is None


@pytest.mark.parametrize("pulled", [{}, state("9"), {"encrypted_data": "…"}, []])
def test_a_state_that_knows_nothing_of_what_the_engine_spoke_of_is_another_one(engine: Any, pulled: Any) -> None:
    engine(pulled, "apply")
    assert state_pull.read_refs(objects("1")) is None


def test_an_engine_of_path_does_not_know_our_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "bin" / "terraform", {"state pull": {}})
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert state_pull.read_refs(frozenset()) is None


def test_the_selected_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert state_pull.current_workspace({}) == "default"
    (tmp_path / ".terraform").mkdir()
    (tmp_path / ".terraform" / "environment").write_text("blue")
    assert state_pull.current_workspace({}) == "blue"
    assert state_pull.current_workspace({"TF_DATA_DIR": "elsewhere"}) == "default"
    assert state_pull.current_workspace({"TF_WORKSPACE": "green"}) == "green"
