"""Errors that end a control plane."""

from __future__ import annotations


class ControlPlaneError(Exception):
    """The control plane cannot go on. The message is for the person at the command line and contains no secret."""


class StartupError(ControlPlaneError):
    """The control plane could not start."""
