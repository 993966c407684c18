"""The command `polykomos drift`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from polykomos_provider.drift import pulumi, terraform
from polykomos_provider.drift.drift import Drift, as_json
from polykomos_provider.drift.report import as_markdown, as_text
from polykomos_provider.engine_cli import EngineError, EngineProgram, engine
from polykomos_provider.options import DIRECTORY, PROGRAM, combine_options

_DRIFTED = 2


_reporting = combine_options(
    DIRECTORY,
    click.option("--json", "form", flag_value="json", help="Report for programs."),
    click.option("--markdown", "form", flag_value="markdown", help="Report for a pull request or a job's summary."),
    PROGRAM,
    click.argument("arguments", metavar="[-- ARGUMENTS]", nargs=-1, type=click.UNPROCESSED),
)  # fmt: skip


@click.group()
def drift() -> None:
    """Tell what has changed behind an engine's back.

    Runs the engine's own comparison of what it knows with what is there, and reports it per resource. Nothing is
    changed, at the service nor in the state. Values of secrets are never shown.

    Ends with 0 when nothing has drifted, 2 when something has, 1 when that could not be found out.

    \b
    Examples:
      polykomos drift pulumi --stack prod
      polykomos drift terraform --dir infrastructure --markdown >> "$GITHUB_STEP_SUMMARY"
    """


@drift.command("pulumi")
@_reporting
@click.option("--stack", metavar="NAME", help="The stack.  [default: the current one]")
def drift_pulumi(stack: str | None, arguments: tuple[str, ...], **options: Any) -> None:
    """Report what `pulumi refresh --preview-only` finds.

    ARGUMENTS go to that command as they are.

    \b
    Examples:
      polykomos drift pulumi
      polykomos drift pulumi --stack prod --json | jq -r '.resources[].name'
      polykomos drift pulumi --dir infrastructure -- --target '**:Database::*'
    """
    chosen = ["--stack", stack] if stack else []
    words = ["refresh", "--preview-only", "--json", "--non-interactive", *chosen, *arguments]

    def look(asked: EngineProgram) -> list[Drift]:
        done = asked.run(*words, good=range(256))
        try:
            shown = json.loads(done.stdout)
        except ValueError:
            raise EngineError(asked.failure(words, done)) from None
        told = pulumi.errors(shown)
        if done.returncode != 0 or told:
            raise EngineError(asked.failure(words, done, "\n".join(told)))
        return pulumi.drifts(shown)

    _report("pulumi", look, **options)


@drift.command("terraform")
@_reporting
def drift_terraform(arguments: tuple[str, ...], **options: Any) -> None:
    """Report what `terraform plan -refresh-only` or `tofu plan -refresh-only` finds.

    The root module must be initialised. ARGUMENTS go to that command as they are. Where both engines are on PATH, the
    lock file tells which one is meant; --program names another.

    \b
    Examples:
      polykomos drift terraform
      polykomos drift terraform --dir infrastructure --markdown -- -var-file=prod.tfvars
      polykomos drift terraform --program tofu
    """

    def look(asked: EngineProgram) -> list[Drift]:
        # A plan holds secrets: it is written where only this user reads, and removed.
        with tempfile.TemporaryDirectory(prefix="polykomos-") as kept:
            plan = str(Path(kept) / "plan")
            asked.run(
                "plan", "-refresh-only", "-detailed-exitcode", "-input=false", "-no-color", f"-out={plan}", *arguments,
                good=(0, _DRIFTED),
            )  # fmt: skip
            return terraform.drifts(asked.ask("show", "-json", plan) or {})

    _report("terraform", look, **options)


def _report(
    kind: str, look: Callable[[EngineProgram], list[Drift]], directory: Path, form: str | None, program: str | None
) -> None:
    found = look(engine(kind, directory, program))
    click.echo(_written(kind, form, found), nl=False)
    if found:
        raise click.exceptions.Exit(_DRIFTED)


def _written(kind: str, form: str | None, found: Sequence[Drift]) -> str:
    if form == "json":
        return as_json(kind, found)
    return as_markdown(found, f"Drift ({kind})") if form == "markdown" else as_text(found)
