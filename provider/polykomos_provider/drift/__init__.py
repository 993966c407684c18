"""Drift, from the output of the engines' own commands. Pure."""
