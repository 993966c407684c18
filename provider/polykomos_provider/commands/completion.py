"""The command `polykomos completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_POLYKOMOS_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script for completion in a shell.

    \b
    Examples:
      polykomos completion bash >> ~/.bashrc
      polykomos completion zsh >> ~/.zshrc
      polykomos completion fish > ~/.config/fish/completions/polykomos.fish
    """
    completion_class = get_completion_class(shell)
    assert completion_class is not None
    script = completion_class(context.find_root().command, {}, "polykomos", _VARIABLE)
    click.echo(script.source_template % script.source_vars())
