"""Terraform destroys before it creates: each of our examples of a webhook endpoint says otherwise (field report A8)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(
    r'^(?P<indent>\s*)resource \\?"polykomos_webhook_endpoint\\?" .*?^(?P=indent)\}', re.MULTILINE | re.DOTALL
)
_FORMS = ("*.tf", "*.md", "*.html", "*.hcl")


def examples() -> list[tuple[str, str]]:
    """Each block, with the file that has it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *_FORMS, ":!tests"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [
        (name, re.sub(r"^.*?(?=resource)", "", found[0], flags=re.DOTALL))
        for name in listed
        for found in _BLOCK.finditer(re.sub(r'"(resource \\)', r"\n\1", (ROOT / name).read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize(("name", "block"), examples())
def test_an_example_keeps_the_old_endpoint_until_the_new_one_is_there(name: str, block: str) -> None:
    assert "create_before_destroy = true" in block, f"{name}:\n{block}"


def test_there_are_examples() -> None:
    found = {name for name, _ in examples()}
    assert "docs/how-to/rotate-a-webhook-secret.md" in found
    assert "provider/controlplane/console/templates/snippets.html" in found
