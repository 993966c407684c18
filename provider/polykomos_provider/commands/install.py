"""The command `polykomos install`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from polykomos_provider.install.addresses import PACKAGES, packages_of
from polykomos_provider.install.pulumi_path import advice, other_plugins, shadowing_plugin
from polykomos_provider.install.pulumi_plugins import (
    plugins_section,
    project_file,
    project_plugins,
    with_plugins,
    write_project_plugin,
    write_user_plugins,
)
from polykomos_provider.install.terraform_mirror import PROJECT_MIRROR, USER_MIRROR, cli_config, write_mirror
from polykomos_provider.options import PathToWrite
from polykomos_provider.output import echo_note

_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
_VENDOR = click.option(
    "--vendor",
    "vendors",
    multiple=True,
    type=click.Choice([*PACKAGES[1:], "all"]),
    help="With --project: install the plugin of another vendor too; repeatable.",
)


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
@_VENDOR
def install_pulumi(project: Path | None, vendors: tuple[str, ...]) -> None:
    """Install the plugin for Pulumi.

    Without options, the plugin and those of this distribution's other vendors go into `$PULUMI_HOME/plugins`, under
    their version, so that several versions can be installed. Without PULUMI_HOME they go into `.pulumi/plugins` in the
    account's home directory, where Pulumi looks, whatever HOME is. With --project the plugin, and those of
    the vendors that --vendor names, go into `.polykomos/pulumi` of the project, and Pulumi.yaml names them.

    Pulumi prefers a program on PATH, as in an activated virtual environment, to an installed plugin, and warns each
    time. To avoid the warning, use --project, or run the `export` line that this command prints in that case.

    The plugin starts the provider of the Python environment that this command runs in. If that environment is in the
    project (`.venv`), the plugin names it by a relative path, so that both files can be committed.

    \b
    Examples:
      polykomos install pulumi --project .        # for this project; no warning in any shell
      polykomos install pulumi --project . --vendor polnor
      eval "$(polykomos install pulumi)"          # for all projects; no warning in this shell
    """
    _refuse_vendors_without(project, vendors)
    if project is None:
        for written in write_user_plugins():
            echo_note(f"wrote {written}")
        _advise_path()
        return
    program = project_file(project)
    if program is None:
        raise click.ClickException(f"There is no Pulumi.yaml in {project}: is it the project's directory?")
    packages = packages_of(vendors)
    for package in packages:
        echo_note(f"wrote {write_project_plugin(project, package)}")
    text = program.read_text(encoding="utf-8")
    missing = [package for package in packages if package not in project_plugins(text)]
    if not missing:
        return
    changed = with_plugins(text, missing)
    if changed is None:
        echo_note(f"{program} names plugins of its own; add these to them:\n")
        click.echo(plugins_section(missing), nl=False)
    else:
        program.write_text(changed, encoding="utf-8")
        echo_note(f"added to {program}: {', '.join(missing)}")


def _refuse_vendors_without(project: Path | None, vendors: tuple[str, ...]) -> None:
    if vendors and project is None:
        raise click.UsageError("--vendor is for --project: without it, the plugins of all vendors are installed.")


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
@_VENDOR
def install_terraform(mirror: Path | None, project: Path | None, vendors: tuple[str, ...]) -> None:
    """Write a filesystem mirror from which `terraform init` and `tofu init` take this provider.

    Without options it is `~/.terraform.d/plugins`; with --project it is `terraform.d/plugins` of the root module. Both
    engines look there without settings. Without --project, the other vendors' providers are in it too; with --project,
    those that --vendor names. For another --mirror, the command prints the settings that the engines need.

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
    _refuse_vendors_without(project, vendors)
    user = Path.home() / USER_MIRROR
    directory = project.absolute() / PROJECT_MIRROR if project is not None else (mirror or user).absolute()
    root = project.absolute() if project is not None else None
    for program in write_mirror(directory, root, packages_of(vendors) if root else PACKAGES):
        echo_note(f"wrote {program}")
    if project is None and directory != user:
        echo_note("For the engines to use this mirror, add this to ~/.terraformrc and ~/.tofurc:\n")
        click.echo(cli_config(directory))
