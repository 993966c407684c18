"""A database with all that makes it of use."""
