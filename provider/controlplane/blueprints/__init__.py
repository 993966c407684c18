"""Blueprints: versioned SQL with variables, validated by a dry run, applied in one transaction."""
