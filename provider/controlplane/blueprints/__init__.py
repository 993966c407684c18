"""Blueprints: versioned SQL with variables, validated by running it, applied in one transaction."""
