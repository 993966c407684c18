"""Why a control plane could not start, or go on."""

from __future__ import annotations


class Failed(Exception):
    """The message is for the person at the command line; it holds no secret."""


class StartFailed(Failed):
    """It could not start."""
