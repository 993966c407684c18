"""`polykomos install`, `doctor`, `adopt` and `drift` on real engines, as one sits before them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner

from polykomos.version import VERSION
from polykomos_provider.cli import main
from polykomos_provider.install.pulumi_plugins import user_plugins
from support.control_plane import NO_SCOPE_KEY, SCOPE_KEYS, ControlPlane, create_database, new_key
from support.pulumi import Stack
from support.terraform import ENGINES, Workspace

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
POLYKOMOS = Path(sys.executable).with_name("polykomos")
PATH_WITHOUT_US = ":".join(part for part in os.environ["PATH"].split(":") if Path(part) != POLYKOMOS.parent)
SQL = "CREATE TABLE contacts (id serial PRIMARY KEY, n int DEFAULT {{n}});"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A service where people have worked by hand: names that are no identifiers, and the same one more than once."""
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "3") as running:
        with running.client() as api:
            for name in ("orders", "orders", "1shop"):
                create_database(api, name)
            variables = {"n": {"type": "number", "default": 3}}
            for name in ("orders", "Évil \x1b[2J & ${sons}"):
                blueprint = {"name": name, "sql_content": SQL, "variables": variables}
                api.post("/blueprints", json=blueprint, headers=new_key()).raise_for_status()
        yield running


@pytest.fixture
def service(plane: ControlPlane) -> Iterator[httpx.Client]:
    with plane.client() as api:
        yield api


@pytest.fixture
def env(plane: ControlPlane) -> dict[str, str]:
    return {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}


Done = subprocess.CompletedProcess[str]


def polykomos(*words: str, cwd: Path, env: dict[str, str], status: int = 0, **more: str) -> Done:
    return _run([str(POLYKOMOS), *words], cwd, {**env, **more}, status)


def documented(page: str, command: str, cwd: Path, env: dict[str, str], status: int = 0, **more: str) -> Done:
    """Run the block of a how-to page that holds `command`, as it stands there."""
    text = (HOW_TO / f"{page}.md").read_text()
    (block,) = (found for found in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE) if command in found)
    engine = more.pop("terraform", "terraform")
    functions = f'polykomos() {{ {shlex.quote(str(POLYKOMOS))} "$@"; }}; terraform() {{ command {engine} "$@"; }}\n'
    return _run(["bash", "-e", "-c", functions + block], cwd, {**env, **more}, status)


def next_commands(told: str, engine: str = "terraform") -> list[str]:
    """What the command says to run next: the very lines of the page, with the engine's own name."""
    (line,) = re.findall(r"^next: (.*)$", told, re.MULTILINE)
    commands = [re.sub(rf"^{engine} ", "terraform ", each) for each in line.split(" && ")]
    page = (HOW_TO / "adopt-existing.md").read_text()
    assert all(f"\n{each}\n" in page for each in commands), line
    return commands


def _run(words: list[str], cwd: Path, env: dict[str, str], status: int) -> Done:
    done = subprocess.run(
        words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert env["POLYKOMOS_API_KEY"] not in done.stdout + done.stderr
    return done


def endpoint(service: httpx.Client) -> str:
    reply = service.post("/webhook_endpoints", json={"url": "https://hooks.example.com/x"}, headers=new_key())
    return str(reply.raise_for_status().json()["data"]["id"])


def change_by_hand(service: httpx.Client, database: str, endpoint_id: str) -> None:
    quotas = {"connection_hard_limit": 7}
    service.patch(f"/databases/{database}/quotas", json=quotas, headers=new_key()).raise_for_status()
    service.patch(f"/databases/{database}", json={"name": "by-hand"}, headers=new_key()).raise_for_status()
    service.delete(f"/webhook_endpoints/{endpoint_id}", headers=new_key()).raise_for_status()


def without_secrets(text: str, service: httpx.Client, database: str) -> str:
    found = service.get(f"/databases/{database}").raise_for_status().json()["data"]
    assert found["db_password"] not in text
    return text


def test_an_estate_comes_under_pulumi_and_is_watched(
    new_stack: Callable[..., Stack], env: dict[str, str], service: httpx.Client
) -> None:
    stack, mine, hook = new_stack(env), create_database(service, "1shop"), endpoint(service)
    stack.uninstall()
    where: dict[str, Any] = {"cwd": stack.directory, "env": stack.env}
    # Only what `install` writes leads to the plugin.
    stack.env["PATH"] = PATH_WITHOUT_US
    assert "is not where the engine looks" in polykomos("doctor", "pulumi", **where, status=1).stdout
    polykomos("install", "pulumi", "--project", str(stack.directory), **where)
    assert ".polykomos/pulumi/pulumi-resource-polykomos starts" in polykomos("doctor", "pulumi", **where).stdout
    held = next(each["uuid"] for each in service.get("/databases").json()["data"] if each["name"] == "orders")
    stack.import_("Database", "orders", held)

    told = documented("adopt-existing", "polykomos adopt pulumi", **where).stderr
    assert next_commands(told) == ["pulumi import --file import.json --out adopted.yaml --yes"]
    assert "omitted, as managed already: 1 database\n" in told
    assert "BlueprintApplication" in told
    listed = json.loads((stack.directory / "import.json").read_text())["resources"]
    named = {each["name"]: each["id"] for each in listed}
    assert len(named) == len(listed)
    assert held not in named.values()
    assert {"orders-2", "orders-blueprint", "database-1shop", "hooks-example-com"} <= set(named)
    assert "exists already" in polykomos("adopt", "pulumi", "--all", "--out", "import.json", **where, status=1).stderr

    program = yaml.safe_load((stack.directory / "Pulumi.yaml").read_text())
    first, rest = (
        yaml.safe_load((stack.directory / name).read_text())["resources"] for name in ("imported.yaml", "adopted.yaml")
    )
    (stack.directory / "Pulumi.yaml").write_text(yaml.safe_dump({**program, "resources": {**first, **rest}}))
    documented("adopt-existing", "pulumi preview", **where)
    again = polykomos("adopt", "pulumi", "--all", **where)
    assert (again.stdout, "nothing to adopt" in again.stderr) == ("", True)

    assert "No drift" in polykomos("drift", "pulumi", **where).stdout
    change_by_hand(service, mine["uuid"], hook)
    summary = stack.directory / "summary.md"
    documented("drift-in-ci", "polykomos drift pulumi", **where, status=2, GITHUB_STEP_SUMMARY=str(summary))
    seen = without_secrets(summary.read_text(), service, mine["uuid"])
    assert "Drift: 1 changed, 1 gone." in seen
    assert '| `name` | `"1shop"` | `"by-hand"` |' in seen
    told = polykomos("drift", "pulumi", "--json", **where, status=2).stdout
    report = {each["what"]: each for each in json.loads(without_secrets(told, service, mine["uuid"]))["resources"]}
    assert {each["name"] for each in report["changed"]["changes"]} >= {"name", "connectionHardLimit"}
    assert report["gone"]["type"] == "polykomos:index:WebhookEndpoint"
    failed = polykomos("drift", "pulumi", **where, status=1, POLYKOMOS_BASE_URL=env["POLYKOMOS_BASE_URL"] + "x")
    assert "must" in failed.stderr
    assert not failed.stdout


def test_the_users_own_plugin_is_found(new_stack: Callable[..., Stack], env: dict[str, str]) -> None:
    stack = new_stack(env)
    stack.uninstall()
    stack.env["PATH"] = PATH_WITHOUT_US
    told = polykomos("install", "pulumi", cwd=stack.directory, env=stack.env).stderr
    assert f"{stack.env['PULUMI_HOME']}/plugins/resource-polykomos-v" in told
    stack.write({"hook": ("WebhookEndpoint", {"url": "https://hooks.example.com/mine"})})
    stack.up()
    stack.destroy()


def test_pulumi_finds_the_plugin_where_home_is_another_one(
    new_stack: Callable[..., Stack], env: dict[str, str], tmp_path: Path
) -> None:
    """Pulumi looks below the account's home directory, so this test writes there, and removes what it has added."""
    stack = new_stack(env)
    stack.uninstall()
    stack.env |= {"PATH": PATH_WITHOUT_US, "HOME": str(tmp_path)}
    del stack.env["PULUMI_HOME"]
    place = user_plugins(stack.env) / f"resource-polykomos-v{VERSION}"
    kept = place.exists()
    try:
        told = polykomos("install", "pulumi", cwd=stack.directory, env=stack.env).stderr
        assert f"wrote {place}" in told
        listed = json.loads(stack.run("plugin", "ls", "--json").output)
        assert VERSION in [each["version"] for each in listed if each["name"] == "polykomos"]
        assert f"{place}/" in polykomos("doctor", "pulumi", cwd=stack.directory, env=stack.env).stdout
    finally:
        if not kept:
            shutil.rmtree(place, ignore_errors=True)


def test_an_installed_plugin_is_quiet_in_a_virtual_environment(
    new_stack: Callable[..., Stack], env: dict[str, str]
) -> None:
    stack = new_stack(env)
    stack.uninstall()
    # As with Pulumi's own installer: the language host beside `pulumi`, and no other one on PATH.
    stack.env["PATH"] = f"{POLYKOMOS.parent}:{Path(stack.pulumi).parent}:/usr/bin:/bin"
    where: dict[str, Any] = {"cwd": stack.directory, "env": stack.env}
    stack.write({"hook": ("WebhookEndpoint", {"url": "https://hooks.example.com/quiet"})})
    warning = "using pulumi-resource-polykomos from $PATH"
    assert warning in stack.run("up", "--yes").output
    assert "prints a warning each time" in polykomos("doctor", "pulumi", **where).stdout

    line = polykomos("install", "pulumi", **where).stdout.removeprefix("export ").strip()
    name, _, value = line.partition("=")
    quiet = {**stack.env, name: value}
    assert warning not in stack.run("up", "--yes", **{name: value}).output
    assert "prints a warning" not in polykomos("doctor", "pulumi", cwd=stack.directory, env=quiet).stdout

    polykomos("install", "pulumi", "--project", ".", **where)
    assert warning not in stack.run("up", "--yes").output
    assert "prints a warning" not in polykomos("doctor", "pulumi", **where).stdout
    assert warning not in stack.run("destroy", "--yes").output


@pytest.mark.parametrize("name", ENGINES)
def test_an_estate_comes_under_terraform_and_is_watched(
    name: str, new_workspace: Callable[..., Workspace], env: dict[str, str], service: httpx.Client
) -> None:
    workspace, mine, hook = new_workspace(name, env), create_database(service, "2shop"), endpoint(service)
    where: dict[str, Any] = {"cwd": workspace.directory, "env": workspace.env}
    # Nothing says how providers are installed: the engines look in their own places.
    (workspace.directory / "cli.tfrc").write_text("")
    workspace.env["HOME"] = str(workspace.directory)
    polykomos("install", "terraform", "--project", ".", **where)
    assert polykomos("doctor", name, **where).stdout.count("starts") == 1
    workspace.run("init")

    told = documented("adopt-existing", "polykomos adopt terraform", **where, terraform=name).stderr
    assert "are not omitted" not in told, "the engine answers, of an empty state too"
    assert next_commands(told, name) == [
        "terraform plan -generate-config-out=adopted.tf -out=tfplan",
        "terraform apply tfplan",
    ]
    addresses = set(workspace.resources())
    assert {"polykomos_blueprint.orders", "polykomos_database.database_2shop"} <= addresses
    assert len(addresses) == (workspace.directory / "imports.tf").read_text().count("import {")
    again = polykomos("adopt", "terraform", "--all", **where)
    assert (again.stdout, "nothing to adopt" in again.stderr) == ("", True)

    assert "No drift" in polykomos("drift", "terraform", **where).stdout
    change_by_hand(service, mine["uuid"], hook)
    told = documented("drift-in-ci", "polykomos drift terraform --markdown", **where, status=2).stdout
    seen = without_secrets(told, service, mine["uuid"])
    assert "Drift: 1 changed, 1 gone." in seen
    assert '| `name` | `"2shop"` | `"by-hand"` |' in seen
    wrong = polykomos("drift", "terraform", "--", "-var=nothing=1", **where, status=1)
    assert "nothing" in wrong.stderr
    assert not wrong.stdout


def test_keys_that_may_less(env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def said(words: str, status: int, key: str = env["POLYKOMOS_API_KEY"]) -> str:
        done = CliRunner().invoke(main, words.split(), env={**env, "POLYKOMOS_API_KEY": key})
        assert done.exit_code == status, done.output
        assert key not in done.output
        return done.stdout if status == 0 else done.output

    reader = SCOPE_KEYS["databases:read"]
    refused = said("adopt pulumi --all", 1, reader)
    assert "The API key requires the scopes blueprints:read" in refused
    assert "--kind" in refused
    listed = json.loads(said("adopt pulumi --kind database --match 1*", 0, reader))["resources"]
    assert {each["name"].rstrip("-0123456789") for each in listed} == {"database-1shop"}
    assert "nothing with the id nope" in said("adopt pulumi --id nope", 1)

    def levels(told: str) -> dict[str, str]:
        return {each["check"]: each["level"] for each in json.loads(told)["findings"]}

    checks = levels(said("doctor pulumi --json", 0, reader))
    assert checks["key: Database"] == checks["key: Blueprint"] == "warning"
    assert levels(said("doctor pulumi --json", 1, NO_SCOPE_KEY))["key: Database"] == "error"
    assert "Invalid API key" in said("doctor pulumi", 1, "pk_live_of_nobody")


def test_adopt_prompts_on_a_terminal(env: dict[str, str], tmp_path: Path) -> None:
    assert (
        "Nothing is selected"
        in polykomos("adopt", "terraform", cwd=tmp_path, env={**os.environ, **env}, status=1).stderr
    )
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [POLYKOMOS, "adopt", "terraform"],
        cwd=tmp_path, env={**os.environ, **env}, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        os.write(ours, b"99\n1\n")
        written = process.communicate(timeout=180)[0]
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    assert process.returncode == 0
    assert b"99 is not within 1-" in shown
    assert b"\x1b[2J" not in shown, "a name is no command to the terminal"
    assert b"\x1b[1m" in shown, "in colour, as this is a terminal"
    assert written.startswith("import {\n  to = polykomos_database.")
    assert written.count("import {") == 1
