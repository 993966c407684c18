"""Queries in plain language: translated into SQL, checked, run as the tenant."""
