"""Declare a resource once, serve it to every engine. Knows no API and no vendor."""
