"""The command `polykomos`."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import click

from polykomos_provider.dev import dev


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(metadata.version("polykomos-provider"), prog_name="polykomos")
def main() -> None:
    """Polykomos infrastructure as code."""


main.add_command(dev)


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
