"""Versioned SQL."""
