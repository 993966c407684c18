"""Queries on PostgreSQL databases."""
