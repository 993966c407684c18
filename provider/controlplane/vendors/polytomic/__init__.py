"""Polytomic's query runner: queries on the databases of the caller's teams, which are its connections."""
