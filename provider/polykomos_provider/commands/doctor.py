"""The command `polykomos doctor`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

from polykomos.version import VERSION
from polykomos_provider.doctor.api_checks import check_api
from polykomos_provider.doctor.binaries import pulumi_plugins, start_error, version_of
from polykomos_provider.doctor.checks import (
    ENGINES,
    ERROR,
    OK,
    WARNING,
    Finding,
    as_json,
    is_ok,
    plugin,
    version,
    with_severity,
)
from polykomos_provider.doctor.plugin_paths import pulumi_places, terraform_places
from polykomos_provider.install.pulumi_path import advice, other_plugins, shadowing_plugin

_MARKS = {OK: ("ok", "green"), WARNING: ("warning", "yellow"), ERROR: ("error", "red")}


@click.command()
@click.argument("what", nargs=-1, type=click.Choice([*ENGINES, "dev"]))
@click.option("--json", "for_programs", is_flag=True, help="Write the report as JSON.")
def doctor(what: tuple[str, ...], for_programs: bool) -> None:  # noqa: FBT001 - click passes by name
    """Check the installation and the settings.

    Checks the proxy, the key and its scopes, the service, the engines on PATH and whether they find this provider, and
    what `polykomos dev` needs. WHAT must work (pulumi, terraform, tofu, dev), and only that is checked. Without WHAT,
    any one engine must work. The report shows only the service's preview of the key. Run it in the project's directory,
    where it finds the project's plugins.

    Ends with 0 if there is no error, 1 otherwise. Warnings are not errors.

    \b
    Examples:
      polykomos doctor
      polykomos doctor pulumi
      polykomos doctor terraform --json | jq '.findings[] | select(.level != "ok")'
    """
    checked = what or (*ENGINES, "dev")
    engines = {name: list(_engine(name)) for name in ENGINES if name in checked}
    findings = with_severity(engines, [name for name in engines if name in what])
    if engines:
        findings = [*check_api(), *findings]
    if "dev" in checked:
        findings += _dev(must_work="dev" in what)
    click.echo(as_json(findings) if for_programs else "".join(map(_line, findings)), nl=False)
    if not is_ok(findings):
        raise click.exceptions.Exit(1)


def _engine(name: str) -> Iterator[Finding]:
    program = shutil.which(name)
    if program is None:
        return
    yield version(name, version_of(program))
    here = Path.cwd()
    places = pulumi_places(here, pulumi_plugins(program)) if name == "pulumi" else terraform_places(name, here)
    words = () if name == "pulumi" else ("--debug",)
    error = start_error(places[0], *words) if places else ""
    yield plugin(name, list(map(str, places)), error, VERSION)
    if name == "pulumi" and places and places[0] == shadowing_plugin(os.environ):
        yield Finding("pulumi: PATH", WARNING, advice(places[0], other_plugins(os.environ))[0])


def _dev(*, must_work: bool) -> Iterator[Finding]:
    level = ERROR if must_work else WARNING
    try:
        import_module("controlplane.server")  # imports all dependencies of `dev`
        from controlplane.engines.mysql import binaries as mysql
        from controlplane.engines.postgres import binaries as postgres
    except ImportError as error:
        text = f"the control plane is not installed ({error.name})"
        yield Finding("dev", level, text, "pip install 'polykomos-provider[controlplane]'")
        return
    try:
        binaries = postgres.find_binaries()
        yield Finding("dev: PostgreSQL", OK, f"{binaries.major} in {binaries.directory}")
    except postgres.PostgresNotFoundError as error:
        yield Finding("dev: PostgreSQL", level, str(error))
    server = mysql.find_binaries()
    if server is not None:
        yield Finding("dev: MariaDB", OK, server.server)
    else:
        yield Finding("dev: MariaDB", WARNING, "none: there will be no MySQL databases", mysql.MISSING)


def _line(finding: Finding) -> str:
    mark, colour = _MARKS[finding.level]
    advice = f"\n{'':10}{finding.advice}" if finding.advice else ""
    return f"{click.style(f'{mark:8}', fg=colour, bold=True)}  {finding.check}: {finding.text}{advice}\n"
