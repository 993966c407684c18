"""The command `polykomos install`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from polykomos_provider.install.pulumi_path import advice, other_plugins, shadowing_plugin
from polykomos_provider.install.pulumi_plugins import (
    PLUGINS_SECTION,
    PluginsSection,
    add_plugins_section,
    plugins_section,
    project_file,
    write_project_plugin,
    write_user_plugins,
)
from polykomos_provider.install.terraform_mirror import PROJECT_MIRROR, USER_MIRROR, cli_config, write_mirror
from polykomos_provider.options import PathToWrite
from polykomos_provider.output import echo_note

_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def install() -> None:
    """Install this provider for an engine on this machine.

    \b
    Examples:
      polykomos install pulumi                  # for all your projects
      polykomos install pulumi --project .      # for this project
      polykomos install terraform               # for all your workspaces, OpenTofu's too
      polykomos install terraform --project .   # for this root module
    """


@install.command("pulumi")
@click.option("--project", type=_DIRECTORY, help="Install for the Pulumi project in this directory only.")
def install_pulumi(project: Path | None) -> None:
    """Install the plugin for Pulumi.

    Without options, the plugin and those of this distribution's other vendors go into `$PULUMI_HOME/plugins`, under
    their version, so that several versions can be installed. Without PULUMI_HOME they go into `.pulumi/plugins` in the
    account's home directory, where Pulumi looks, whatever HOME is. With --project the plugin alone goes into
    `.polykomos/pulumi` of the project, and Pulumi.yaml names it.

    Pulumi prefers a program on PATH, as in an activated virtual environment, to an installed plugin, and warns each
    time. To avoid the warning, use --project, or run the `export` line that this command prints in that case.

    The plugin starts the provider of the Python environment that this command runs in. If that environment is in the
    project (`.venv`), the plugin names it by a relative path, so that both files can be committed.

    \b
    Examples:
      polykomos install pulumi --project .        # for this project; no warning in any shell
      eval "$(polykomos install pulumi)"          # for all projects; no warning in this shell
    """
    if project is None:
        for written in write_user_plugins():
            echo_note(f"wrote {written}")
        _advise_path()
        return
    program = project_file(project)
    if program is None:
        raise click.ClickException(f"There is no Pulumi.yaml in {project}: is it the project's directory?")
    echo_note(f"wrote {write_project_plugin(project)}")
    text = program.read_text(encoding="utf-8")
    section = plugins_section(text)
    if section is PluginsSection.ABSENT:
        program.write_text(add_plugins_section(text), encoding="utf-8")
        echo_note(f"added the plugin to {program}")
    elif section is PluginsSection.OTHERS:
        echo_note(f"{program} names plugins of its own; add this one to them:\n")
        click.echo(PLUGINS_SECTION, nl=False)


def _advise_path() -> None:
    """Print how to avoid Pulumi's warning, if a plugin on PATH takes precedence."""
    shadowing = shadowing_plugin(os.environ)
    if shadowing is not None:
        text, line = advice(shadowing, other_plugins(os.environ))
        echo_note(text)
        if line:
            click.echo(line)


@install.command("terraform")
@click.option(
    "--mirror",
    type=PathToWrite(file_okay=False, path_type=Path),
    help="Directory to write into.  [default: ~/.terraform.d/plugins, where both engines look without settings]",
)
@click.option("--project", type=_DIRECTORY, help="Install for the root module in this directory only.")
def install_terraform(mirror: Path | None, project: Path | None) -> None:
    """Write a filesystem mirror from which `terraform init` and `tofu init` take this provider.

    Without options it is `~/.terraform.d/plugins`; with --project it is `terraform.d/plugins` of the root module. Both
    engines look there without settings. Without --project, the other vendors' providers are in it too. For another
    --mirror, the command prints the settings that the engines need.

    The mirror starts the provider of the Python environment that this command runs in. If that environment is in the
    project (`.venv`), the mirror names it by a relative path, so that the mirror can be committed and its hash in the
    lock file stays the same.

    \b
    Examples:
      polykomos install terraform
      polykomos install terraform --project infrastructure
      polykomos install terraform --mirror /opt/mirror >> ~/.terraformrc
    """
    if mirror is not None and project is not None:
        raise click.UsageError("--mirror and --project exclude each other.")
    user = Path.home() / USER_MIRROR
    directory = project.absolute() / PROJECT_MIRROR if project is not None else (mirror or user).absolute()
    for program in write_mirror(directory, project.absolute() if project is not None else None):
        echo_note(f"wrote {program}")
    if project is None and directory != user:
        echo_note("For the engines to use this mirror, add this to ~/.terraformrc and ~/.tofurc:\n")
        click.echo(cli_config(directory))
