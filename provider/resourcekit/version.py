"""The distribution's version. Reading the installed metadata would dominate a plugin's start time."""

VERSION = "0.1.0"
