"""Queries on MySQL databases."""
