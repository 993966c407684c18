"""docs/how-to/move-between-engines.md, run as it is written: nothing changes at the service; nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.control_plane import ControlPlane
from support.needs import require
from support.objects import objects
from support.readme import ROOT, Session, blocks

PAGE = ROOT / "docs" / "how-to" / "move-between-engines.md"
PULUMI = """\
name: moved
runtime: yaml
"""
RESOURCES = """\
resources:
  contacts:
    type: polykomos:Blueprint
    properties:
      name: contacts
      sqlContent: CREATE TABLE contacts (id serial PRIMARY KEY, name text NOT NULL);
  orders:
    type: polykomos:Database
    properties:
      name: orders
  applied:
    type: polykomos:BlueprintApplication
    properties:
      databaseUuid: ${orders.uuid}
      blueprintUuid: ${contacts.uuid}
      blueprintVersion: ${contacts.version}
"""
TERRAFORM = """\
terraform {
  required_providers {
    polykomos = { source = "polykomos/polykomos" }
  }
}
"""


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--rate-limit", "0", "--pool-size", "2") as running:
        yield running


@pytest.fixture
def shell(plane: ControlPlane, tmp_path: Path) -> Iterator[Session]:
    """A shell where both engines have their directory. No question is answered for it: the page has to say `--yes`."""
    require("jq")
    work = tmp_path / "work"
    for name in ("pulumi", "terraform"):
        (work / name).mkdir(parents=True)
    connection = {"POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}
    unattended = {"PULUMI_SKIP_CONFIRMATIONS": "false", "TF_CLI_ARGS_apply": "", "TF_CLI_ARGS_destroy": ""}
    with Session(work, connection, **unattended) as session:
        session.run("polykomos install terraform\nexport PULUMI_BACKEND_URL=file://$PWD PULUMI_CONFIG_PASSPHRASE=try")
        yield session


def test_from_terraform_to_pulumi(shell: Session, plane: ControlPlane) -> None:
    quick_start = blocks(ROOT / "README.md", "Quick start with Terraform or OpenTofu")
    program = next(block.text for block in quick_start if block.file == "main.tf")
    (shell.directory / "terraform" / "main.tf").write_text(program)
    (shell.directory / "pulumi" / "Pulumi.yaml").write_text(PULUMI)
    shell.run("cd terraform && terraform init && terraform apply -auto-approve && cd ..")
    shell.run("pulumi -C pulumi stack init dev")
    before = objects(plane)
    printed = shell.follow(blocks(PAGE, "From Terraform or OpenTofu to Pulumi"))
    assert "0 to add, 0 to change, 0 to destroy" in printed[-1]
    assert shell.run("terraform -chdir=../terraform state list").strip() == ""
    assert objects(plane) == before
    assert "BlueprintApplication" in shell.run("pulumi stack")
    shell.run("pulumi preview --expect-no-changes && pulumi preview --refresh --expect-no-changes")
    assert shell.run("terraform -chdir=../terraform plan -detailed-exitcode")


def test_from_pulumi_to_terraform(shell: Session, plane: ControlPlane) -> None:
    (shell.directory / "pulumi" / "Pulumi.yaml").write_text(PULUMI + RESOURCES)
    (shell.directory / "terraform" / "main.tf").write_text(TERRAFORM)
    shell.run("pulumi -C pulumi stack init dev && pulumi -C pulumi up --yes && terraform -chdir=terraform init")
    before = objects(plane)
    shell.follow(blocks(PAGE, "From Pulumi to Terraform or OpenTofu"))
    listed = shell.run("terraform state list").split()
    assert len(listed) == 3
    assert "polykomos_blueprint_application.applied" in listed
    assert objects(plane) == before
    assert "dev" not in shell.run("pulumi -C ../pulumi stack ls")
    shell.run("terraform plan -detailed-exitcode")
