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
    click.option("--json", "form", flag_value="json", help="Write the report as JSON."),
    click.option(
        "--markdown", "form", flag_value="markdown",
        help="Write the report as Markdown, for a pull request or a job's summary.",
    ),
    PROGRAM,
    click.argument("arguments", metavar="[-- ARGUMENTS]", nargs=-1, type=click.UNPROCESSED),
)  # fmt: skip


@click.group()
def drift() -> None:
    """Report changes that were made outside the engine.

    Runs the engine's own comparison of its state with the service, and reports the differences per resource. Neither
    the service nor the state changes. The report never shows the values of secrets.

    Ends with 0 if there is no drift, 2 if there is drift, 1 after an error.

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

    def compare(program: EngineProgram) -> list[Drift]:
        done = program.run(*words, good=range(256))
        try:
            shown = json.loads(done.stdout)
        except ValueError:
            raise EngineError(program.failure(words, done)) from None
        errors = pulumi.errors(shown)
        if done.returncode != 0 or errors:
            raise EngineError(program.failure(words, done, "\n".join(errors)))
        return pulumi.drifts(shown)

    _report("pulumi", compare, **options)


@drift.command("terraform")
@_reporting
def drift_terraform(arguments: tuple[str, ...], **options: Any) -> None:
    """Report what `terraform plan -refresh-only` or `tofu plan -refresh-only` finds.

    The root module must be initialised. ARGUMENTS go to that command as they are. If both engines are on PATH, the lock
    file determines the engine; --program overrides it.

    \b
    Examples:
      polykomos drift terraform
      polykomos drift terraform --dir infrastructure --markdown -- -var-file=prod.tfvars
      polykomos drift terraform --program tofu
    """

    def compare(program: EngineProgram) -> list[Drift]:
        # A plan contains secrets: only this user can read the directory, which is removed afterwards.
        with tempfile.TemporaryDirectory(prefix="polykomos-") as directory:
            plan = str(Path(directory) / "plan")
            program.run(
                "plan", "-refresh-only", "-detailed-exitcode", "-input=false", "-no-color", f"-out={plan}", *arguments,
                good=(0, _DRIFTED),
            )  # fmt: skip
            return terraform.drifts(program.run_json("show", "-json", plan) or {})

    _report("terraform", compare, **options)


def _report(
    kind: str, compare: Callable[[EngineProgram], list[Drift]], directory: Path, form: str | None, program: str | None
) -> None:
    drifts = compare(engine(kind, directory, program))
    click.echo(_formatted(kind, form, drifts), nl=False)
    if drifts:
        raise click.exceptions.Exit(_DRIFTED)


def _formatted(kind: str, form: str | None, drifts: Sequence[Drift]) -> str:
    if form == "json":
        return as_json(kind, drifts)
    return as_markdown(drifts, f"Drift ({kind})") if form == "markdown" else as_text(drifts)
