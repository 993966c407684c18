"""What commands say: results go to stdout, everything about them to stderr, in colour only where a person looks."""

from __future__ import annotations

import os

import click


def echo_note(text: str) -> None:
    """A line for the person who waits; scripts read stdout."""
    click.echo(text, err=True)


def one_line(text: str) -> str:
    """Somebody else's text without what would move a cursor, colour a terminal or end a line."""
    return "".join(char if char.isprintable() else " " for char in text)


def apply_no_color(context: click.Context) -> None:
    """Click leaves colour out where there is no terminal; NO_COLOR (no-color.org) leaves it out everywhere."""
    if os.environ.get("NO_COLOR"):
        context.color = False
