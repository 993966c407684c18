"""The distribution's version. Reading it from what is installed would take longer than most of a plugin's start."""

VERSION = "0.1.0"
