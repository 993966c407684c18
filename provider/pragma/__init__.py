"""Pragma: resources, provider code and dead letters of its API, independent of the engines."""

from resourcekit.programs import Programs

programs = Programs("pragma")
