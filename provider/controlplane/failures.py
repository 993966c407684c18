"""Why a control plane could not start."""

from __future__ import annotations


class StartFailed(Exception):
    """The message is for the person at the command line; it holds no secret."""
