"""Options of several commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

DIRECTORY: Decorator = click.option(
    "--dir",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Directory of the project or root module.  [default: the current one]",
)
PROGRAM: Decorator = click.option("--program", metavar="PATH", help="The engine's program.  [default: from PATH]")


def combine_options(*options: Decorator) -> Decorator:
    """Combine several options into one decorator; `--help` shows them in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


class PathToWrite(click.Path):
    """A path. An empty value, as of an unset variable, is refused, because it would be the current directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or fail if it is empty."""
        if value == "":
            self.fail("must not be empty", param, ctx)
        return super().convert(value, param, ctx)
