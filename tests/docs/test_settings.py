"""docs/settings.md names every environment variable that the code reads; the prerequisites agree everywhere."""

from __future__ import annotations

import ast
import importlib
import re
import runpy
import sys
import tomllib
from pathlib import Path

import pytest

from polykomos.version import VERSION
from polykomos_provider.doctor.versions import ADDED, FLOORS, dotted

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PROVIDER = ROOT / "provider"
_NAME = re.compile(r"(POLYKOMOS|POLNOR|POLYTOMIC|PRAGMA|PULUMI|TF|TOFU|XDG|SSL)_[A-Z_]*[A-Z]|NO_COLOR|TMPDIR")
# Written for a program that is started, or taken from its environment; the prefix of the options of `polykomos dev`.
_NO_SETTINGS = {
    "TF_IN_AUTOMATION", "TF_CLI_ARGS", "TF_PLUGIN_MAGIC_COOKIE", "PULUMI_DEBUG_COMMANDS",
    "PULUMI_ENABLE_STREAMING_JSON_PREVIEW", "PULUMI_SKIP_CONFIRMATIONS", "POLYKOMOS_DEV", "POLNOR_RUN_ID",
}  # fmt: skip


def read_in_code() -> set[str]:
    """Every variable of a package's settings, and every string in the sources that is the name of a variable only."""
    packages = (importlib.import_module(f"{name}.package").package() for name in ("polnor", "polytomic", "pragma"))
    settings = {variable for package in packages for variable in package.environment.values()}
    return (
        settings
        | {
            node.value
            for path in PROVIDER.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value)
        }
        - _NO_SETTINGS
    )


# Of processes that the tests start; Python's, pip's and the loader's own.
_OF_TESTS = {
    "BARE_PLATFORM_LOG", "BARE_PLATFORM_PROCESSES", "POLYKOMOS_PARITY", "PYTEST_CURRENT_TEST", "PYTHONPATH",
    "PATH", "LD_LIBRARY_PATH", "PIP_CERT", "PYENV_ROOT", "SOURCE_DATE_EPOCH",
}  # fmt: skip


def read_by_contributors() -> set[str]:
    """Every variable that a test, a tool or the Makefile reads from the environment."""
    sources = [path.read_text(encoding="utf-8") for name in ("tests", "tools") for path in (ROOT / name).rglob("*.py")]
    read = {name for text in sources for name in re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', text)}
    return (read - _OF_TESTS) | set(re.findall(r"^([A-Z]+) \?=", (ROOT / "Makefile").read_text(), re.MULTILINE))


def described() -> dict[str, dict[str, str]]:
    return tomllib.loads((ROOT / "tools" / "generate" / "settings.toml").read_text(encoding="utf-8"))


def test_every_variable_that_is_read_is_described() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    found = read_in_code()
    assert {"POLYKOMOS_API_KEY", "POLYKOMOS_POSTGRES_BIN", "POLNOR_EMAIL", "PULUMI_HOME", "XDG_STATE_HOME"} <= found
    assert {name for name in found if f"`{name}`" not in page} == set()


def test_every_variable_for_contributors_is_described() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    found = read_by_contributors()
    assert {"POLYKOMOS_BROWSER", "ROUNDS", "WORKERS"} <= found
    assert {name for name in found if f"`{name}`" not in page} == set()


def test_what_is_described_is_read() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in PROVIDER.rglob("*.py"))
    named = {name for section in ("provider", "command", "control-plane") for name in described()[section]}
    # Made from the package's name; honoured by a library or by Python itself.
    assert {name for name in named if name not in sources} <= {"POLYKOMOS_LOG", "POLYKOMOS_NO_ZYGOTE", "TMPDIR"}


def test_the_versions_of_the_engines_agree() -> None:
    """One table; where another page names a version of an engine, it is one of that table."""
    sys.path.insert(0, str(ROOT / "tools" / "generate"))
    try:
        prerequisites = runpy.run_path(str(ROOT / "tools" / "generate" / "prerequisites.py"))
    finally:
        sys.path.pop(0)
    tested, pinned = prerequisites["_TESTED"], prerequisites["pinned"]
    built = {"pulumi": ("pulumi",), "terraform": ("terraform",), "tofu": ("tofu", "tofu-floor")}
    known = {
        name: {dotted(FLOORS[engine]), *(dotted(version) for version, _ in ADDED.get(engine, ()))}
        | ({dotted(tested[engine])} if engine in tested else set())
        | {pinned(each).rpartition(".")[0] for each in built[engine]}
        for engine, name in (("pulumi", "Pulumi"), ("terraform", "Terraform"), ("tofu", "OpenTofu"))
    }
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *DOCS.glob("*.md"),
        *(DOCS / "how-to").glob("*.md"),
        *(DOCS / "terraform").rglob("*.md"),
    ]
    for page in pages:
        if page.name == "benchmarks.md":  # names what was measured
            continue
        text = page.read_text(encoding="utf-8")
        for name, version in re.findall(r"\b(Pulumi|Terraform|OpenTofu) (\d+\.\d+)\b", text):
            assert version in known[name], f"{page.relative_to(ROOT)}: {name} {version}"


@pytest.mark.parametrize("page", ["README.md", "docs/prerequisites.md"])
def test_both_pages_have_the_table(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert f"Pulumi {dotted(FLOORS['pulumi'])}, Terraform {dotted(FLOORS['terraform'])}, OpenTofu" in text
    for program in ("`psql`", "`jq`", "Python"):
        assert f"| {program} |" in text


CONSTRAINT = re.compile(r'source\s*=\s*"polykomos/polykomos"')


def terraform_programs() -> list[tuple[str, str]]:
    """Every program that names the provider: in the examples, and in the pages."""
    found = [(str(path.relative_to(ROOT)), path.read_text()) for path in (ROOT / "examples").rglob("*.tf")]
    for page in (ROOT / "README.md", *DOCS.rglob("*.md")):
        blocks = re.findall(r"```(?:terraform|hcl)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        found += [(str(page.relative_to(ROOT)), block) for block in blocks]
    return [(where, text) for where, text in found if CONSTRAINT.search(text)]


def test_examples_for_terraform_say_which_versions_they_take() -> None:
    programs = terraform_programs()
    assert len(programs) >= 5
    major, minor, _ = VERSION.split(".")
    for where, text in programs:
        assert re.search(r'^\s*required_version\s*=\s*">= 1\.\d+"', text, re.MULTILINE), where
        assert re.search(rf'^\s*version\s*=\s*"~> {major}\.{minor}"', text, re.MULTILINE), where


def test_examples_for_pulumi_say_which_versions_they_take() -> None:
    examples = ROOT / "examples"
    major, minor, _ = VERSION.split(".")
    ours = f">={major}.{minor},<{major}.{int(minor) + 1}"
    for program in examples.glob("*/Pulumi.yaml"):
        assert f'requiredPulumiVersion: ">={dotted(FLOORS["pulumi"])}.0"' in program.read_text(), program
    for requirements in examples.glob("*/requirements.txt"):
        text = requirements.read_text()
        assert "pulumi>=3." in text, requirements
        if requirements.parent.name != "crossguard":  # which sees the engine's resources, and needs no SDK
            assert f"polykomos-provider{ours}" in text or f"pulumi-polykomos{ours}" in text, requirements
    for pipeline in (examples / "ci").glob("git*/*.yml"):
        for line in re.findall(r"pip install (.*?) &&", pipeline.read_text()):
            assert f"polykomos-provider{ours}" in line, pipeline
    assert f"sdk/go v{VERSION}" in (examples / "pulumi-go" / "go.mod").read_text()
