"""examples/ci: the scripts that the pipelines call, run against a control plane, and the pipelines that call them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engines.test_examples_run import change_by_hand, plane, session
from support.control_plane import ControlPlane
from support.objects import left
from support.readme import blocks

CI = Path(__file__).resolve().parents[2] / "examples" / "ci"
SCRIPTS = sorted(CI.glob("*.sh"))
PIPELINES = sorted(CI.glob("git*/*.yml"))
MODULE = """
terraform {
  required_providers {
    polykomos = { source = "polykomos/polykomos" }
  }
}
variable "protected" {
  type    = bool
  default = false
}
resource "polykomos_database" "orders" {
  name                = "orders"
  deletion_protection = var.protected
}
"""
__all__ = ["plane"]


def texts(node: Any) -> Iterator[str]:
    """Every text in a parsed document."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            yield from texts(each)


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_pipeline_calls_what_is_there(pipeline: Path) -> None:
    document = yaml.safe_load(pipeline.read_text())
    called = {CI / name for text in texts(document) for name in re.findall(r"\bci/(\S+\.sh)\b", text)}
    assert called == {path for path in SCRIPTS if path.stem != "engine"}
    assert document.get("env", document.get("variables"))["ENGINE"] == pipeline.stem
    if pipeline.parent.name == "github":
        # `on` is true to YAML 1.1.
        assert set(document[True]) == {"pull_request", "push", "schedule"}
        conditions = {job["if"].split("'")[1]: list(texts(job["steps"]))[-1] for job in document["jobs"].values()}
    else:
        jobs = {name: job for name, job in document.items() if "script" in job}
        conditions = {job["rules"][0]["if"].split('"')[1]: job["script"][-1] for job in jobs.values()}
    events = {"pull_request": "preview", "merge_request_event": "preview", "push": "deploy", "schedule": "drift"}
    assert {events[event]: script for event, script in conditions.items()} == {
        name: f"ci/{name}.sh" for name in ("preview", "deploy", "drift")
    }


def test_the_scripts_are_sound() -> None:
    for script in SCRIPTS:
        assert os.access(script, os.X_OK), script
        subprocess.run(["bash", "-n", script], check=True)
    shellcheck = Path(sys.executable).with_name("shellcheck")
    subprocess.run([shellcheck, "-x", *SCRIPTS], check=True, cwd=CI)


def test_pulumis_pipeline(plane: ControlPlane, tmp_path: Path) -> None:
    with session("pulumi-yaml", tmp_path, plane) as shell:
        shell.directory = tmp_path / "examples" / "ci"
        shell.run(f"cd '{shell.directory}'")
        steps, destroy = blocks(shell.directory / "README.md")
        (printed,) = shell.follow([steps])
        report = (shell.directory / "report.md").read_text()
        assert report in printed
        titles = re.findall(r"^##+ (.*)$", report, re.MULTILINE)
        assert titles == ["Preview (pulumi)", "Policy", "Deployed (pulumi)", "Drift (pulumi)"]
        assert "+ polykomos:index:Database: (create)" in report
        assert "staging is not production" in report
        change_by_hand(plane, "shop-reports")
        told = shell.run("REPORT=drift.md ./drift.sh || echo status $?")
        assert "status 2" in told
        assert "reports" in (shell.directory / "drift.md").read_text()
        refused = shell.run(
            "pulumi -C ../pulumi-yaml stack init production\n"
            "pulumi -C ../pulumi-yaml config set webhookUrl https://x.example.com --stack production\n"
            "STACK=production REPORT=refused.md ./preview.sh || echo status $?"
        )
        assert "::orders: a production database needs deletion protection" in refused
        assert "status 1" in refused
        shell.run("pulumi -C ../pulumi-yaml stack select staging")
        shell.follow([destroy])
    assert left(plane) == []


def test_terraforms_pipeline(plane: ControlPlane, tmp_path: Path) -> None:
    with session("terraform", tmp_path, plane, ENGINE="terraform", DIRECTORY="module", REPORT="report.md") as shell:
        (shell.directory / "module").mkdir()
        (shell.directory / "module" / "main.tf").write_text(MODULE)
        shell.run("polykomos install terraform")
        refused = shell.run("../ci/preview.sh || echo status $?")
        assert "polykomos_database.orders: a production database needs deletion protection" in refused
        assert "status 1" in refused
        shell.run("export TF_VAR_protected=true\n../ci/preview.sh\n../ci/deploy.sh\n../ci/drift.sh")
        change_by_hand(plane, "orders")
        told = shell.run("../ci/drift.sh || echo status $?")
        assert "status 2" in told
        report = (shell.directory / "report.md").read_text()
        assert report.count("## Preview (terraform)") == 2
        assert "## Deployed (terraform)" in report
        assert "polykomos_database.orders" in report.rpartition("## ")[2]
