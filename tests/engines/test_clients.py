"""The test harnesses by which others judge providers (tests/clients): each of their Go tests is a test here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import go_tests, quick_plugin
from support.needs import require

_BIN = Path(sys.executable).parent

# What OpenTofu and Terraform share is run once, on Terraform: each of these tests runs some twenty commands.
_NEWEST, _OTHER = "terraform-1.16", "tofu"
_ON_BOTH = (
    "TestDatabaseIsCreatedChangedAndReplaced",
    "TestDatabaseIsImported",
    "TestResourcesAreImportedByIdentity",
    "TestEphemeralCredentialsReachAnotherProvider",
)
_CASES = [
    *((name, _NEWEST) for name in go_tests.names("terraform")),
    *((name, _OTHER) for name in _ON_BOTH),
]


@pytest.fixture(scope="session")
def programs() -> dict[str, Path]:
    return go_tests.programs()


@pytest.fixture(scope="session")
def cli_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings that `polykomos install terraform` prints, for the mirror that it writes.

    The mirror's plugin is then replaced by one that starts quickly.
    """
    directory = tmp_path_factory.mktemp("clients")
    command = [_BIN / "polykomos", "install", "terraform", "--mirror", directory / "mirror"]
    settings = directory / "cli.tfrc"
    settings.write_text(subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout)
    for plugin in (directory / "mirror").rglob(f"{quick_plugin.TERRAFORM}*"):
        if plugin.is_file():
            plugin.unlink()
            quick_plugin.install(plugin.parent, plugin.name, quick_plugin.command(quick_plugin.TERRAFORM))
    return settings


@pytest.mark.parametrize(("name", "engine"), _CASES)
def test_terraform_plugin_testing(
    name: str, engine: str, programs: dict[str, Path], cli_config: Path, connection: dict[str, str], tmp_path: Path
) -> None:
    """HashiCorp's harness, on the newest Terraform and on OpenTofu."""
    settings = {"TF_ACC": "1", "TF_ACC_TERRAFORM_PATH": require(engine), "TF_CLI_CONFIG_FILE": str(cli_config)}
    if engine == _OTHER:  # where the harness looks for its own provider of ephemeral values
        settings["TF_ACC_PROVIDER_HOST"] = "registry.opentofu.org"
    go_tests.run(programs["terraform"], name, {**connection, **settings}, tmp_path)


@pytest.mark.parametrize("name", go_tests.names("pulumi"))
def test_providertest(name: str, programs: dict[str, Path], connection: dict[str, str], tmp_path: Path) -> None:
    """Pulumi's harness."""
    for program in ("pulumi", "pulumi-language-yaml"):
        require(program)
    settings = {
        "HOME": str(tmp_path),
        "PULUMI_HOME": str(tmp_path / ".pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "POLYKOMOS_PLUGINS": str(quick_plugin.directory(quick_plugin.PULUMI)),
    }
    go_tests.run(programs["pulumi"], name, {**connection, **settings}, tmp_path)
