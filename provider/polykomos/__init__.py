"""Polykomos: API client, resources, data sources and functions, independent of the engines."""
