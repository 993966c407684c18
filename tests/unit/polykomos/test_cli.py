"""What holds for every command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from polykomos_provider.cli import main

ROOT = Path(__file__).resolve().parents[3]


def commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands(below, (*words, name))
    else:
        yield words


@pytest.mark.parametrize("words", list(commands(main)), ids=" ".join)
def test_every_help_has_an_example_of_its_own(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*words, "--help"], terminal_width=100)
    assert shown.exit_code == 0
    _, _, examples = shown.output.partition("Examples:\n")
    assert f"    polykomos {' '.join(words)}" in examples


def test_help_is_quick_because_it_loads_nothing() -> None:
    heavy = ("httpx", "pydantic", "grpc", "pulumi", "google.protobuf", "cryptography", "starlette", "yaml")
    program = (
        "import sys; from polykomos_provider.cli import main\n"
        "main(['--help'], standalone_mode=False); main(['drift', 'pulumi', '--help'], standalone_mode=False)\n"
        f"sys.exit(' '.join(name for name in {heavy} if name in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_reference_is_the_commands_own_help() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    for words in commands(main):
        assert f"## polykomos {' '.join(words)}\n" in page
    command = [sys.executable, ROOT / "tools" / "generate", "docs", "--check"]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_for_this_command(shell: str) -> None:
    shown = CliRunner().invoke(main, ["completion", shell])
    assert shown.exit_code == 0
    assert f"_POLYKOMOS_COMPLETE={shell}_complete" in shown.output


def completed(words: str, index: int) -> list[str]:
    env = {"_POLYKOMOS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(index)}
    shown = CliRunner().invoke(main, env=env, prog_name="polykomos", complete_var="_POLYKOMOS_COMPLETE")
    return [line.partition(",")[2] for line in shown.output.splitlines()]


def test_words_are_completed_down_to_the_kinds_that_can_be_adopted() -> None:
    assert "adopt" in completed("polykomos ", 1)
    assert completed("polykomos drift ", 2) == ["pulumi", "terraform"]
    assert completed("polykomos adopt pulumi --kind ", 4) == ["database", "blueprint", "webhook_endpoint"]


@pytest.mark.parametrize(("variable", "coloured"), [("", True), ("1", False)])
def test_no_color_is_obeyed(variable: str, coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polykomos_provider.commands.doctor._dev", lambda **_: [])
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("POLYKOMOS_API_KEY", raising=False)
    # `color` makes the runner a terminal.
    shown = CliRunner().invoke(main, ["doctor"], env={"NO_COLOR": variable}, color=True)
    assert ("\x1b[" in shown.output) is coloured
    assert "POLYKOMOS_API_KEY is not set" in shown.output
    assert shown.exit_code == 1


def test_a_vendor_whose_extra_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(main, ["dev", "--ephemeral", "--vendor", "polnor"])
    assert result.exit_code == 1
    assert "--vendor polnor needs duckdb" in result.output
    assert "Run: pip install 'polykomos-provider[polnor]'" in result.output
