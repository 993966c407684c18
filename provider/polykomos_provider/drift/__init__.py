"""Drift from what the engines' own commands tell: pure."""
