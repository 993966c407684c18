"""Types of the options of several commands."""

from __future__ import annotations

from typing import Any

import click


class PathToWrite(click.Path):
    """A path. The empty text, as of a variable that is not set, is refused: it would be the current directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("must not be empty", param, ctx)
        return super().convert(value, param, ctx)
