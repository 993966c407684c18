"""What `polykomos dev` says of a setting that it cannot work with: that one, by name, on one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

POLYKOMOS = Path(sys.executable).with_name("polykomos")


@pytest.mark.parametrize(
    ("words", "named", "not_named"),
    [
        (["--host", "nowhere.invalid"], "--host", "--port"),
        (["--host", "192.0.2.1"], "--host", "--port"),
        (["--host", "2001:db8::1"], "--host", "--port"),
        (["--translator-url", "http://[::1"], "--translator-url", "--host"),
        (["--translator-url", "http://x:99999/v1"], "--translator-url", "--host"),
        (["--database-url", "nonsense"], "--database-url", "--host"),
    ],
)
def test_a_setting_that_cannot_work_is_named_by_itself(words: list[str], named: str, not_named: str) -> None:
    command = [str(POLYKOMOS), "dev", "--ephemeral", "--port", "0", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (1, 2)
    told = done.stderr.splitlines()[-1]
    assert named in told
    assert not_named not in told
    assert "Traceback" not in done.stderr
