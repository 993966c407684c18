"""Polytomic: the query runner of its API, independent of the engines."""

from resourcekit.programs import Programs

programs = Programs("polytomic")
