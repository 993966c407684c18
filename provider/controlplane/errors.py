"""Why a control plane could not start, or go on."""

from __future__ import annotations


class ControlPlaneError(Exception):
    """The message is for the person at the command line; it holds no secret."""


class StartupError(ControlPlaneError):
    """It could not start."""
