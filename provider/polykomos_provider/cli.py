"""The command `polykomos`."""

from __future__ import annotations

from typing import Any

import click

from polykomos.version import VERSION
from polykomos_provider.commands.adopt import adopt
from polykomos_provider.commands.completion import completion
from polykomos_provider.commands.dev import dev
from polykomos_provider.commands.doctor import doctor
from polykomos_provider.commands.drift import drift
from polykomos_provider.commands.install import install
from polykomos_provider.output import apply_no_color

# Status 2 means drift (`polykomos drift`), so a mistake on the command line must end with another one.
click.UsageError.exit_code = 1


class _Commands(click.Group):
    """Commands that end with one line if a file or directory cannot be used."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of a file becomes a message without a traceback."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"{error.filename} cannot be used: {error.strerror}.") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="polykomos")
@click.pass_context
def main(context: click.Context) -> None:
    """Polykomos infrastructure as code.

    \b
    First steps:
      eval "$(polykomos dev --detach)" # start a control plane on this machine, in the background
      polykomos install pulumi         # or terraform
      polykomos doctor                 # check the installation
      polykomos adopt pulumi --all     # adopt existing objects
      polykomos drift pulumi           # report changes made outside the engine
    """
    apply_no_color(context)


for command in (adopt, completion, dev, doctor, drift, install):
    main.add_command(command)


if __name__ == "__main__":  # what `polykomos dev --detach` starts
    main(prog_name="polykomos")
