"""The command `polykomos`."""

from __future__ import annotations

import re
import shlex
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import click

_KEY = re.compile(r"[\x21-\x7e]{8,255}")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(metadata.version("polykomos-provider"), prog_name="polykomos")
def main() -> None:
    """Polykomos infrastructure as code."""


def _checked_key(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _KEY.fullmatch(value):
        raise click.BadParameter("must be 8 to 255 printable characters without spaces")
    return value


def _checked_url(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter("must be an http or https URL")
    if parts.username or parts.password:
        raise click.BadParameter("must not hold a key; put it into POLYKOMOS_TRANSLATOR_KEY")
    return value


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0 = a free one."
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where everything is kept.  [default: polykomos/dev in the XDG state directory]",
)
@click.option("--ephemeral", is_flag=True, help="Keep nothing: the data directory is removed at the end.")
@click.option("--database-url", help="Superuser URL of a PostgreSQL >= 15 to use instead of an embedded one.")
@click.option("--api-key", callback=_checked_key, help="The key with every scope.  [default: the kept or a new one]")
@click.option(
    "--rate-limit",
    default=120,
    show_default=True,
    type=click.IntRange(min=0),
    help="Requests a minute of that key; 0 = no limit.",
)
@click.option(
    "--pool-size",
    default=2,
    show_default=True,
    type=click.IntRange(0, 50),
    help="Databases kept ready for instant assignment.",
)
@click.option(
    "--provision-delay",
    default=0.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds added to each provisioning that the pool does not serve.",
)
@click.option(
    "--seed", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSON file of more users and keys."
)
@click.option(
    "--free-queries",
    default=10,
    show_default=True,
    type=click.IntRange(min=0),
    help="Queries a day of a team on plan free; 0 = no limit.",
)
@click.option(
    "--translator-url",
    envvar="POLYKOMOS_TRANSLATOR_URL",
    callback=_checked_url,
    help="OpenAI-compatible API (…/v1) that translates queries; its key: POLYKOMOS_TRANSLATOR_KEY.  [default: rules]",
)
@click.option(
    "--translator-model",
    envvar="POLYKOMOS_TRANSLATOR_MODEL",
    default="gpt-4o-mini",
    show_default=True,
    help="The model that it is asked for.",
)
def dev(
    host: str,
    port: int,
    data_dir: Path | None,
    ephemeral: bool,  # noqa: FBT001 - click passes options by name
    database_url: str | None,
    api_key: str | None,
    rate_limit: int,
    pool_size: int,
    provision_delay: float,
    seed: Path | None,
    free_queries: int,
    translator_url: str | None,
    translator_model: str,
) -> None:
    """Run the reference control plane on this machine.

    When it is ready, stdout shows the two `export` lines that point clients at it; logs go to stderr.
    """
    if ephemeral and data_dir is not None:
        raise click.UsageError("--ephemeral and --data-dir exclude each other.")
    try:
        from controlplane.data_dir import default_data_dir
        from controlplane.failures import StartFailed
        from controlplane.run import serve
        from controlplane.settings import Settings
    except ImportError as error:
        raise click.ClickException(
            f"The control plane is not installed ({error.name}). Run: pip install 'polykomos-provider[controlplane]'"
        ) from None
    settings = Settings(
        host=host,
        port=port,
        data_dir=None if ephemeral else data_dir or default_data_dir(),
        database_url=database_url,
        api_key=api_key,
        rate_limit=rate_limit,
        pool_size=pool_size,
        provision_delay=provision_delay,
        seed=seed,
        free_queries=free_queries,
        translator_url=translator_url,
        translator_model=translator_model,
    )
    try:
        serve(settings, _announce)
    except StartFailed as error:
        raise click.ClickException(str(error)) from None


@main.group()
def install() -> None:
    """Make this provider known to an engine on this machine."""


@install.command("terraform")
@click.option(
    "--mirror",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: Path.home() / ".terraform.d" / "plugins",
    help="Directory to write into.  [default: ~/.terraform.d/plugins, where both engines look by themselves]",
)
def install_terraform(mirror: Path) -> None:
    """Write a filesystem mirror from which `terraform init` and `tofu init` take this provider."""
    from polykomos_provider.mirror import command_line_settings, write_mirror

    for program in write_mirror(mirror.absolute()):
        click.echo(f"wrote {program}", err=True)
    if mirror.absolute() != Path.home() / ".terraform.d" / "plugins":
        click.echo("To have it searched, put this into ~/.terraformrc and ~/.tofurc:\n", err=True)
        click.echo(command_line_settings(mirror.absolute()))


def _announce(base_url: str, api_key: str) -> None:
    click.echo(f"export POLYKOMOS_BASE_URL='{base_url}'")
    click.echo(f"export POLYKOMOS_API_KEY={_single_quoted(api_key)}")


def _single_quoted(text: str) -> str:
    quoted = shlex.quote(text)
    return quoted if quoted.startswith("'") else f"'{quoted}'"
