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
@click.option("--json", "for_programs", is_flag=True, help="Report for programs.")
def doctor(what: tuple[str, ...], for_programs: bool) -> None:  # noqa: FBT001 - click passes by name
    """Find out whether everything is in place.

    Looks at the proxy, the key and what it may do, the service, the engines on PATH and whether they find this
    provider, and what `polykomos dev` needs. WHAT must work (pulumi, terraform, tofu, dev), and only that is looked at;
    without it, any one engine must. The key is never shown, only the service's own preview of it. Run it where the
    project is: plugins of projects are found there.

    Ends with 0 when all is well, 1 when something is an error; warnings are none.

    \b
    Examples:
      polykomos doctor
      polykomos doctor pulumi
      polykomos doctor terraform --json | jq '.findings[] | select(.level != "ok")'
    """
    looked_at = what or (*ENGINES, "dev")
    engines = {name: list(_engine(name)) for name in ENGINES if name in looked_at}
    found = with_severity(engines, [name for name in engines if name in what])
    if engines:
        found = [*check_api(), *found]
    if "dev" in looked_at:
        found += _dev(must_work="dev" in what)
    click.echo(as_json(found) if for_programs else "".join(map(_line, found)), nl=False)
    if not is_ok(found):
        raise click.exceptions.Exit(1)


def _engine(name: str) -> Iterator[Finding]:
    program = shutil.which(name)
    if program is None:
        return
    yield version(name, version_of(program))
    here = Path.cwd()
    places = pulumi_places(here, pulumi_plugins(program)) if name == "pulumi" else terraform_places(name, here)
    words = () if name == "pulumi" else ("--debug",)
    broken = start_error(places[0], *words) if places else ""
    yield plugin(name, list(map(str, places)), broken, VERSION)
    if name == "pulumi" and places and places[0] == shadowing_plugin(os.environ):
        yield Finding("pulumi: PATH", WARNING, advice(places[0], other_plugins(os.environ))[0])


def _dev(*, must_work: bool) -> Iterator[Finding]:
    level = ERROR if must_work else WARNING
    try:
        import_module("controlplane.server")  # needs all that `dev` does
        from controlplane.engines.mysql import binaries as mysql
        from controlplane.engines.postgres import binaries as postgres
    except ImportError as error:
        text = f"the control plane is not installed ({error.name})"
        yield Finding("dev", level, text, "pip install 'polykomos-provider[controlplane]'")
        return
    try:
        found = postgres.find_binaries()
        yield Finding("dev: PostgreSQL", OK, f"{found.major} in {found.directory}")
    except postgres.PostgresNotFoundError as error:
        yield Finding("dev: PostgreSQL", level, str(error))
    server = mysql.find_binaries()
    if server is not None:
        yield Finding("dev: MariaDB", OK, server.server)
    else:
        yield Finding("dev: MariaDB", WARNING, "none: there will be no MySQL databases", mysql.MISSING)


def _line(found: Finding) -> str:
    mark, colour = _MARKS[found.level]
    advice = f"\n{'':10}{found.advice}" if found.advice else ""
    return f"{click.style(f'{mark:8}', fg=colour, bold=True)}  {found.check}: {found.text}{advice}\n"
