"""The output of commands: results go to stdout, notes to stderr, with colours only on a terminal."""

from __future__ import annotations

import os

import click


def echo_note(text: str) -> None:
    """Print a note for people on stderr. Scripts read stdout."""
    click.echo(text, err=True)


def one_line(text: str) -> str:
    """Return a text from outside on one line, without control characters, which could change the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def apply_no_color(context: click.Context) -> None:
    """Remove colours if NO_COLOR is set (no-color.org). Without a terminal, click removes them."""
    if os.environ.get("NO_COLOR"):
        context.color = False
