"""Polytomic: the query runner of its API, independent of the engines."""
