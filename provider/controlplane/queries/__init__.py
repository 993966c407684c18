"""Queries in plain language: translated by set answers, patterns or a model, checked, run as the tenant."""
