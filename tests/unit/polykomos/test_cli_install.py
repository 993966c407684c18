"""Where launchers are written, and what they start."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from polykomos_provider.cli import main
from polykomos_provider.install.addresses import PACKAGES
from polykomos_provider.install.launcher import launcher_text
from polykomos_provider.install.pulumi_plugins import plugins_section, project_plugins

PROGRAM = '#!/bin/sh\necho started in "$PWD" with "$@"\n'


def started(launcher: Path, cwd: Path) -> str:
    return subprocess.run([launcher, "a b", "c"], cwd=cwd, capture_output=True, text=True, check=True).stdout


def program_in(directory: Path) -> Path:
    directory.mkdir(parents=True)
    target = directory / "it's the plugin"
    target.write_text(PROGRAM)
    target.chmod(0o755)
    return target


def test_a_projects_own_environment_is_found_from_wherever_the_project_is(tmp_path: Path) -> None:
    first, second = tmp_path / "first clone", tmp_path / "deeper" / "second"
    texts = []
    for project in (first, second):
        target = program_in(project / ".venv" / "bin")
        place = project / "plugins" / "x"
        place.mkdir(parents=True)
        texts.append(launcher_text(target, place, project))
        (place / "launcher").write_text(texts[-1])
        (place / "launcher").chmod(0o755)
        # As Terraform does with the directory of a provider from a mirror.
        (project / "link").symlink_to(place)
        assert started(project / "link" / "launcher", tmp_path) == f"started in {tmp_path} with a b c\n"
    assert texts[0] == texts[1], "the lock file's hash is every clone's"
    assert str(tmp_path) not in texts[0]


def test_another_environment_is_named_in_full(tmp_path: Path) -> None:
    target = program_in(tmp_path / "env" / "bin")
    project = tmp_path / "project"
    project.mkdir()
    for text in (launcher_text(target, project, project), launcher_text(target, project, None)):
        (project / "launcher").write_text(text)
        (project / "launcher").chmod(0o755)
        assert str(target.parent) in text
        assert started(project / "launcher", tmp_path) == f"started in {tmp_path} with a b c\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name: x\nruntime: yaml", set()),
        ("name: x\nresources:\n  plugins:\n    type: y\n", set()),
        ("name: x\n" + plugins_section(("polykomos", "polnor")), {"polykomos", "polnor"}),
        ("plugins:\n  providers:\n  - path: './.polykomos/pulumi'\n    name: polykomos\n", {"polykomos"}),
        ("plugins:\n  providers:\n  - name: other\n    path: ./other\n", set()),
        ("plugins:\n  providers:\n  - name: polykomos\n    path: ../elsewhere/.polykomos/pulumi-x\n", set()),
    ],
)
def test_what_a_project_says_of_plugins(text: str, found: set[str]) -> None:
    assert project_plugins(text) == found


def install(*words: str, **env: str) -> Result:
    return CliRunner().invoke(main, ["install", *words], env=env)


def test_the_plugins_section_is_added_once_and_the_rest_is_unchanged(tmp_path: Path) -> None:
    text, mine = "name: x # mine\nruntime: yaml", plugins_section(["polykomos"])
    program = tmp_path / "Pulumi.yaml"
    program.write_text(text)
    assert install("pulumi", "--project", str(tmp_path)).exit_code == 0
    assert program.read_text() == f"{text}\n{mine}"
    assert install("pulumi", "--project", str(tmp_path)).stdout == ""
    assert program.read_text() == f"{text}\n{mine}"
    others = "plugins:\n  providers:\n  - name: other\n    path: ./other\n"
    program.write_text(others)
    assert install("pulumi", "--project", str(tmp_path)).stdout == mine
    assert program.read_text() == others


def test_a_project_gets_the_plugins_of_the_vendors_that_are_named(tmp_path: Path) -> None:
    program = tmp_path / "Pulumi.yaml"
    program.write_text("name: x\n")
    place = ("--project", str(tmp_path))
    for words, packages in (
        ((), ["polykomos"]),
        (("--vendor", "pragma"), ["polykomos", "pragma"]),
        (("--vendor", "polnor"), ["polykomos", "pragma", "polnor"]),
        (("--vendor", "all"), ["polykomos", "pragma", "polnor", "polytomic"]),
    ):
        assert install("pulumi", *place, *words).exit_code == 0
        assert program.read_text() == "name: x\n" + plugins_section(packages)
        launchers = {path.name for path in (tmp_path / ".polykomos" / "pulumi").iterdir()}
        assert launchers == {f"pulumi-resource-{name}" for name in packages}
    assert "--vendor is for --project" in install("pulumi", "--vendor", "polnor").stderr


def executables(directory: Path, *names: str) -> str:
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        (directory / name).write_text(PROGRAM)
        (directory / name).chmod(0o755)
    return str(directory)


PLUGIN = "pulumi-resource-polykomos"
QUIET = "export PULUMI_IGNORE_AMBIENT_PLUGINS=true\n"


@pytest.mark.parametrize(
    ("in_venv", "beside_pulumi", "elsewhere", "line"),
    [
        ([PLUGIN], ["pulumi", "pulumi-language-yaml"], [], QUIET),
        ([], ["pulumi", "pulumi-language-yaml"], [], ""),  # not on PATH: nothing to be quiet about
        ([PLUGIN], ["pulumi", "pulumi-language-yaml"], ["pulumi-language-yaml"], QUIET),
        ([PLUGIN], ["pulumi"], ["pulumi-language-yaml"], ""),  # the language host would be lost
        ([PLUGIN, "pulumi-resource-mine"], ["pulumi"], [], ""),
        ([PLUGIN], [], [], QUIET),
    ],
)
def test_an_installed_plugin_is_quiet(
    in_venv: list[str], beside_pulumi: list[str], elsewhere: list[str], line: str, tmp_path: Path
) -> None:
    venv, pulumi = executables(tmp_path / "venv", *in_venv), executables(tmp_path / "pulumi", *beside_pulumi)
    env = {
        "PATH": f"{venv}:{pulumi}:{executables(tmp_path / 'other', *elsewhere)}:{tmp_path}/missing",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "",
    }
    done = install("pulumi", **env)
    assert done.stdout == line
    assert ("prints a warning each time" in done.stderr) is (PLUGIN in in_venv)
    assert ("--project" in done.stderr) is (PLUGIN in in_venv)
    assert ("would hide pulumi-" in done.stderr) is (PLUGIN in in_venv and not line)
    again = install("pulumi", **{**env, "PULUMI_IGNORE_AMBIENT_PLUGINS": "true"})
    assert (again.stdout, "warning" in again.stderr) == ("", False)


def test_what_cannot_be_installed_is_refused_with_the_way_out(tmp_path: Path) -> None:
    assert "no Pulumi.yaml" in install("pulumi", "--project", str(tmp_path)).stderr
    assert not (tmp_path / ".polykomos").exists()
    both = install("terraform", "--project", str(tmp_path), "--mirror", str(tmp_path))
    assert (both.exit_code, "exclude each other" in both.stderr) == (1, True)


def test_terraform_is_installed_where_each_engine_looks(tmp_path: Path) -> None:
    assert install("terraform", HOME=str(tmp_path)).stdout == ""
    assert install("terraform", "--project", str(tmp_path)).stdout == ""
    (tmp_path / "more").mkdir()
    assert install("terraform", "--project", str(tmp_path / "more"), "--vendor", "polnor").stdout == ""
    for mirror, packages in (
        (".terraform.d/plugins", PACKAGES),
        ("terraform.d/plugins", ("polykomos",)),
        ("more/terraform.d/plugins", ("polykomos", "polnor")),
    ):
        found = [path.relative_to(tmp_path / mirror).parts for path in (tmp_path / mirror).rglob("*_v*")]
        written = sorted((host, name) for host, _, name, *_ in found)
        hosts = ("registry.opentofu.org", "registry.terraform.io")
        assert written == sorted((host, name) for host in hosts for name in packages)
    assert f'path    = "{tmp_path}/m"' in install("terraform", "--mirror", str(tmp_path / "m")).stdout


@pytest.mark.parametrize("words", [["install", "pulumi"], ["install", "terraform", "--mirror"]])
def test_a_place_that_cannot_be_made_is_one_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "home"
    monkeypatch.setenv("PULUMI_HOME", str(place))
    done = CliRunner().invoke(main, [*words, str(place)] if words[-1] == "--mirror" else words)
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {place}")
    assert "cannot be used: Not a directory." in done.output
    assert len(done.output.splitlines()) == 1


@pytest.mark.parametrize("words", [["install", "terraform", "--mirror", ""], ["dev", "--data-dir", ""]])
def test_an_empty_path_is_not_the_current_directory(words: list[str]) -> None:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert "must not be empty" in done.output
