"""The generated SDKs in the repository are what Pulumi's generators make of schema.json today."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def files(directory: Path) -> set[str]:
    found = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    return {name for name in found if "__pycache__" not in name}


@pytest.mark.timeout(600)
def test_the_sdks_are_fresh(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "setup", "sdk", tmp_path], check=True)
    vendors = sorted(path.parent.name for path in (ROOT / "sdk").glob("*/schema.json"))
    assert vendors, "the SDKs of other vendors stand beside Polykomos'"
    for folder in ("python", "nodejs", "go", *(f"{v}/{each}" for v in vendors for each in ("python", "nodejs", "go"))):
        made, kept = tmp_path / folder, ROOT / "sdk" / folder
        assert files(made) == files(kept)
        _, different, failed = filecmp.cmpfiles(made, kept, sorted(files(made)), shallow=False)
        assert (different, failed) == ([], []), "run `make sdk`"
