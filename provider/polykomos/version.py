"""The distribution's version."""

from resourcekit.version import VERSION

__all__ = ["VERSION"]
