"""The command `resourcekit`."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from resourcekit.package import Package
from resourcekit.scaffold.document import DocumentError, read_document


@click.group()
def main() -> None:
    """Tools for the author of a provider."""


@main.command()
@click.argument("name")
@click.option(
    "--openapi", "document", required=True, type=click.Path(path_type=Path), help="OpenAPI 3 file, JSON or YAML."
)
@click.option(
    "--output", default=Path(), type=click.Path(path_type=Path, file_okay=False), help="Where the folder NAME goes."
)
def new(name: str, document: Path, output: Path) -> None:
    """Write the folder of the vendor NAME from an OpenAPI 3 document."""
    if not re.fullmatch(r"[a-z][a-z0-9]{1,30}", name):
        raise click.BadParameter("must be 2 to 31 lower-case letters and digits, a letter first", param_hint="NAME")
    try:
        from resourcekit.scaffold.vendor import render_vendor, write_vendor
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is not installed. Run: pip install 'polykomos-provider[scaffold]'"
        ) from error
    try:
        written = write_vendor(render_vendor(name, read_document(document)), output)
    except (DocumentError, FileExistsError) as error:
        raise click.ClickException(str(error)) from error
    _format(written)
    for path in written:
        click.echo(path)
    todo = sum(path.read_text(encoding="utf-8").count("TODO") for path in written)
    click.echo(f"{todo} places say TODO: the document is silent there. Fill them in.")
    click.echo("Next: a pyproject.toml, as in step 4 of docs/kit/tutorial.md in the provider's repository")


@main.command()
@click.argument("module")
def schema(module: str) -> None:
    """Print Pulumi's schema of the package that MODULE, such as `todo.package`, declares."""
    from resourcekit.pulumi.schema import package_schema

    click.echo(json.dumps(package_schema(_package(module)), indent=2, ensure_ascii=False))


@main.command()
@click.argument("module")
@click.option("--output", default=Path("docs"), type=click.Path(path_type=Path, file_okay=False), help="The folder.")
def docs(module: str, output: Path) -> None:
    """Write the reference pages of the package that MODULE, such as `todo.package`, declares."""
    from resourcekit.reference_pages import pulumi, terraform

    package = _package(module)
    for kind, pages in (("reference", pulumi.pages(package)), ("terraform", terraform.pages(package))):
        for name, text in pages.items():
            path = output / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _package(module: str) -> Package[Any]:
    sys.path.insert(0, "")  # as `python -m` does
    try:
        return importlib.import_module(module).package()  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        raise click.ClickException(
            f"{module} is no module with a function `package` that returns the package: {error}"
        ) from error


def _format(paths: list[Path]) -> None:
    """Format the files with ruff: remove unused imports, wrap lines. Without ruff, leave them as they are."""
    ruff = Path(sys.executable).with_name("ruff")
    program = str(ruff) if ruff.exists() else shutil.which("ruff")
    if program is None:
        click.echo("ruff is not installed: the files are not formatted", err=True)
        return
    files = list(map(str, paths))
    options = ("--isolated", "--quiet", "--line-length", "120", "--target-version", "py311")
    for command in (("check", "--fix", "--select", "F401,I", *options), ("format", *options)):
        subprocess.run([program, command[0], *command[1:], *files], check=False)  # noqa: S603 - a program of this environment


if __name__ == "__main__":
    main()
